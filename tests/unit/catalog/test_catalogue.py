"""Rows beside each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heliograph.catalog.catalogue import BUILTIN, Catalogue
from heliograph.catalog.metric import Metric, attributes
from heliograph.errors import CatalogueError

ORDERS = Metric(name="orders", kind="counter", attributes=())
BASKETS = Metric(name="basket.value", kind="histogram", unit="{EUR}")


def test_rows_are_found_by_name_without_case_and_keep_their_order():
    catalogue = Catalogue([ORDERS, BASKETS])
    assert catalogue.get("orders") is catalogue.get("Orders") is ORDERS
    assert catalogue.get("nothing") is None
    assert list(catalogue) == [ORDERS, BASKETS]
    assert len(catalogue) == 2


def test_a_name_stands_in_a_catalogue_once():
    with pytest.raises(CatalogueError, match="was given 'orders' twice, expected each name once; remove one row"):
        Catalogue([ORDERS, ORDERS])


def test_two_metrics_that_prometheus_would_call_the_same_are_refused():
    with pytest.raises(CatalogueError, match="'orders_total' and 'orders', which Prometheus both calls 'orders_total'"):
        Catalogue([ORDERS, replace(ORDERS, name="orders_total")])


def test_added_rows_come_last_and_leave_the_catalogue_as_it_is():
    before = Catalogue([ORDERS])
    assert list(before.added([BASKETS])) == [ORDERS, BASKETS]
    assert list(before) == [ORDERS]


def test_an_added_row_of_the_same_kind_and_unit_takes_the_place_of_the_other():
    more = replace(ORDERS, attributes=attributes({"country": 30}))
    assert list(Catalogue([ORDERS, BASKETS]).added([more])) == [more, BASKETS]


@pytest.mark.parametrize("change", [{"kind": "gauge"}, {"unit": "s"}])
def test_an_added_row_of_another_kind_or_unit_is_refused(change):
    with pytest.raises(CatalogueError, match="expected a counter with unit '', which it has; use another name"):
        Catalogue([ORDERS]).added([replace(ORDERS, **change)])


def test_one_name_cannot_be_added_twice():
    with pytest.raises(CatalogueError, match=r"'basket\.value' twice"):
        Catalogue([ORDERS]).added([BASKETS, replace(BASKETS, description="Again.")])


def test_adding_what_prometheus_calls_the_same_is_refused():
    with pytest.raises(CatalogueError, match="both calls"):
        BUILTIN.added([Metric(name="cache_hits", kind="counter")])
