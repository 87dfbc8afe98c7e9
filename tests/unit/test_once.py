"""A value that is computed once an object, in any process."""

from heliograph.once import once


class Counted:
    def __init__(self):
        self.times = 0

    @once
    def value(self):
        """What it is."""
        self.times += 1
        return [self.times]


def test_it_is_computed_at_the_first_look_and_kept():
    counted = Counted()
    assert counted.times == 0
    assert counted.value is counted.value
    assert (counted.value, counted.times) == ([1], 1)


def test_each_object_has_its_own():
    one, other = Counted(), Counted()
    assert one.value is not other.value


def test_the_class_gives_the_property_with_its_docstring():
    assert Counted.value.__doc__ == "What it is."


def test_a_value_that_could_not_be_computed_is_asked_for_again():
    class Failing:
        ready = False

        @once
        def value(self):
            if not self.ready:
                raise OSError
            return 1

    failing = Failing()
    for _ in range(2):
        try:
            failing.value  # noqa: B018
        except OSError:
            failing.ready = True
    assert failing.value == 1
