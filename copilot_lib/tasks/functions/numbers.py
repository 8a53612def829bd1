"""Tasks about numbers: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""


def clamp(value, low, high):
    """The value, or the nearer end where it is outside the range."""
    if value < low:
        return low
    if value > high:
        return high
    return value


def test_clamp():
    assert clamp(5, 0, 10) == 5
    assert clamp(-1, 0, 10) == 0
    assert clamp(11, 0, 10) == 10


def mean(numbers):
    """The arithmetic mean; zero for no numbers."""
    if not numbers:
        return 0
    return sum(numbers) / len(numbers)


def test_mean():
    assert mean([1, 2, 6]) == 3
    assert mean([]) == 0


def digits_of(number, base=10):
    """The digits of a whole number that is not negative, the highest first."""
    if number == 0:
        return [0]
    digits = []
    while number > 0:
        number, digit = divmod(number, base)
        digits.append(digit)
    return digits[::-1]


def test_digits_of():
    assert digits_of(1203) == [1, 2, 0, 3]
    assert digits_of(5, 2) == [1, 0, 1]
    assert digits_of(0) == [0]


def integer_root(number):
    """The largest whole number whose square is at most the number."""
    low, high = 0, number + 1
    while high - low > 1:
        middle = (low + high) // 2
        if middle * middle <= number:
            low = middle
        else:
            high = middle
    return low


def test_integer_root():
    assert [integer_root(n) for n in (0, 1, 3, 4, 15, 16, 10**6)] == [0, 1, 1, 2, 3, 4, 1000]


def percent(part, whole):
    """A share as text with one digit behind the point, such as 12.5%; a dash where the whole is nothing."""
    if whole == 0:
        return "-"
    share = 100 * part / whole
    return f"{share:.1f}%"


def test_percent():
    assert percent(1, 8) == "12.5%"
    assert percent(0, 3) == "0.0%"
    assert percent(1, 0) == "-"


def divisors(number):
    """All whole numbers from 1 that divide a positive number, in order."""
    found = []
    for candidate in range(1, number + 1):
        if number % candidate == 0:
            found.append(candidate)
    return found


def test_divisors():
    assert divisors(12) == [1, 2, 3, 4, 6, 12]
    assert divisors(1) == [1]
    assert divisors(7) == [1, 7]
