"""Tasks about dates and times: a function, and behind it the test that says whether it works.

They do not know who completes them.
"""

from datetime import date, timedelta


def days_between(first, second):
    """How many days lie between two dates, whichever comes first."""
    return abs((second - first).days)


def test_days_between():
    assert days_between(date(2024, 2, 28), date(2024, 3, 1)) == 2
    assert days_between(date(2024, 3, 1), date(2024, 2, 28)) == 2


def next_weekday(day):
    """The next day after this one that is no Saturday and no Sunday."""
    day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def test_next_weekday():
    assert next_weekday(date(2024, 5, 3)) == date(2024, 5, 6)
    assert next_weekday(date(2024, 5, 6)) == date(2024, 5, 7)


def format_duration(seconds):
    """Seconds as hours, minutes and seconds, such as 1:02:03."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def test_format_duration():
    assert format_duration(3723) == "1:02:03"
    assert format_duration(59) == "0:00:59"


def has_leap_day(year):
    """Whether a year has a 29th of February."""
    if year % 400 == 0:
        return True
    return year % 4 == 0 and year % 100 != 0


def test_has_leap_day():
    assert [has_leap_day(year) for year in (1900, 2000, 2023, 2024)] == [False, True, False, True]


def age_on(born, day):
    """How many birthdays somebody has had by a day."""
    years = day.year - born.year
    if (day.month, day.day) < (born.month, born.day):
        years -= 1
    return years


def test_age_on():
    assert age_on(date(1990, 6, 15), date(2020, 6, 14)) == 29
    assert age_on(date(1990, 6, 15), date(2020, 6, 15)) == 30


def parse_clock(text):
    """The minutes since midnight of a time like 14:05; ValueError where there is no such time."""
    hours, minutes = (int(part) for part in text.split(":"))
    if not 0 <= hours < 24 or not 0 <= minutes < 60:
        raise ValueError(f"{text} is no time of day")
    return 60 * hours + minutes


def test_parse_clock():
    assert parse_clock("14:05") == 845
    assert parse_clock("00:00") == 0
    try:
        parse_clock("24:00")
    except ValueError:
        return
    raise AssertionError("24:00 was taken for a time")
