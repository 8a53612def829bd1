"""Tasks about classes: a class, and behind it the test that says whether it works.

They do not know who completes them.
"""


class Stack:
    """Items of which the last that was put in comes out first."""

    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        if not self.items:
            raise IndexError("the stack is empty")
        return self.items.pop()

    def __len__(self):
        return len(self.items)


def test_Stack():
    stack = Stack()
    stack.push(1)
    stack.push(2)
    assert (len(stack), stack.pop(), stack.pop(), len(stack)) == (2, 2, 1, 0)
    try:
        stack.pop()
    except IndexError:
        return
    raise AssertionError("an empty stack gave something")


class Counter:
    """Counts up from a start, and can begin again."""

    def __init__(self, start=0, step=1):
        self.start = start
        self.step = step
        self.value = start

    def increment(self):
        self.value += self.step
        return self.value

    def reset(self):
        self.value = self.start


def test_Counter():
    counter = Counter(10, 5)
    assert (counter.increment(), counter.increment()) == (15, 20)
    counter.reset()
    assert counter.value == 10
    assert Counter().increment() == 1


class Account:
    """Money that can be put in and taken out, never below zero."""

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("the amount must be positive")
        self.balance += amount

    def withdraw(self, amount):
        if amount > self.balance:
            return False
        self.balance -= amount
        return True


def test_Account():
    account = Account("ada", 10)
    account.deposit(5)
    assert account.withdraw(12) is True
    assert account.withdraw(12) is False
    assert (account.owner, account.balance) == ("ada", 3)
    try:
        account.deposit(0)
    except ValueError:
        return
    raise AssertionError("nothing was paid in")


class Point:
    """A place in the plane."""

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)

    def distance(self, other):
        return ((self.x - other.x) ** 2 + (self.y - other.y) ** 2) ** 0.5


def test_Point():
    assert Point(1, 2) + Point(3, 4) == Point(4, 6)
    assert Point(1, 2) != Point(2, 1)
    assert Point(0, 0).distance(Point(3, 4)) == 5


class Remember:
    """The answers of a function, so that each question is asked once."""

    def __init__(self, function):
        self.function = function
        self.answers = {}

    def __call__(self, question):
        if question not in self.answers:
            self.answers[question] = self.function(question)
        return self.answers[question]


def test_Remember():
    asked = []
    double = Remember(lambda n: asked.append(n) or 2 * n)
    assert [double(1), double(2), double(1)] == [2, 4, 2]
    assert asked == [1, 2]


class Matrix:
    """Rows of numbers."""

    def __init__(self, rows):
        self.rows = rows

    def shape(self):
        return len(self.rows), len(self.rows[0])

    def scale(self, factor):
        return Matrix([[factor * value for value in row] for row in self.rows])

    def diagonal(self):
        return [self.rows[i][i] for i in range(min(self.shape()))]


def test_Matrix():
    matrix = Matrix([[1, 2, 3], [4, 5, 6]])
    assert matrix.shape() == (2, 3)
    assert matrix.scale(2).rows == [[2, 4, 6], [8, 10, 12]]
    assert matrix.diagonal() == [1, 5]
