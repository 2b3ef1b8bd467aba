"""A merchant's flow over the API, step by step, with checks after each step.

The functions are killed during the steps. `Life.check` has the conditions that must always hold: every order of the
account is booked once and equal to the cent, and the stock adds up.
"""

import collections
import decimal
import json
import random
import threading
import time
import urllib.request

import api
import engine
from accounts import FIRST, SECOND, authorization
from engine import Failed

STOCKED = 190
ON_HAND = 1_000


def days_ago(days):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86_400))


class Killer(threading.Thread):
    """Kills one running function about every second, a limited number of times."""

    def __init__(self, ministack, times, seed):
        super().__init__(daemon=True)
        self.ministack, self.times, self.killed = ministack, times, 0
        self.random = random.Random(seed)
        self.over = threading.Event()

    def run(self):
        while self.killed < self.times and not self.over.wait(self.random.uniform(0.3, 1.5)):
            functions = engine.functions_of(self.ministack)
            if functions and engine.kill(self.random.choice(functions)):
                self.killed += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.over.set()
        self.join()


class Life:
    def __init__(self, ministack, shipstation, sandbox):
        self.ministack, self.shipstation, self.sandbox = ministack, shipstation, sandbox
        self.made = {}
        self.kills = 0

    # ShipStation's side

    def shipstation_orders(self, credentials=FIRST):
        """Returns ShipStation's present orders by id."""
        orders, page = {}, 1
        while True:
            url = f"{self.shipstation}orders?pageSize=500&page={page}"
            request = urllib.request.Request(url, headers={"Authorization": authorization(credentials)})
            with urllib.request.urlopen(request, timeout=30) as reply:
                found = json.loads(reply.read(), parse_float=decimal.Decimal)["orders"]
            orders.update({order["orderId"]: order for order in found})
            if len(found) < 500:
                return orders
            page += 1

    def arrive(self, count):
        body = json.dumps({"count": count}).encode()
        request = urllib.request.Request(f"{self.sandbox}_sandbox/arrivals", data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            reply.read()

    # Checks

    def check(self, what, credentials=FIRST):
        """Checks that every captured order is in one live sale, equal to the cent, and that stock adds up."""
        orders = self.shipstation_orders(credentials)
        entries = api.every("/v1/log")
        by_order = collections.Counter(entry["order_id"] for entry in entries)
        twice = [order for order, count in by_order.items() if count > 1]
        foreign = [order for order in by_order if order not in orders]
        sales = {sale["id"]: api.get(f"/v1/sales/{sale['id']}") for sale in api.every("/v1/sales")}
        live = {number: sale for number, sale in sales.items() if sale["voided_at"] is None}
        named = collections.Counter(entry["sale_id"] for entry in entries if entry["state"] == "booked")
        wrong = []
        for entry in entries:
            if entry["state"] != "booked":
                continue
            sale = live.get(entry["sale_id"])
            if sale is None:
                wrong.append((entry["order_id"], entry["sale_id"], "not live"))
            elif sale["kind"] != "consolidated" and (
                named[entry["sale_id"]] > 1 or decimal.Decimal(sale["total"]) != decimal.Decimal(entry["order_total"])
            ):
                wrong.append((entry["order_id"], entry["sale_id"], sale["total"], entry["order_total"]))
        for number, sale in live.items():
            if sale["kind"] == "consolidated":
                members = [entry for entry in entries if entry["sale_id"] == number and entry["state"] == "booked"]
                if members and sum(decimal.Decimal(entry["order_total"]) for entry in members) != decimal.Decimal(sale["total"]):
                    wrong.append((number, sale["total"], "is not the sum of its orders"))
        if twice or foreign or wrong:
            raise Failed(f"{what}: twice {twice}, unknown {foreign}, wrong {wrong[:10]}")
        self.check_stock(what, live.values())
        print(f"{what}: {len(entries)} in the log, {len(live)} live sales, {len(sales) - len(live)} void")
        return entries, sales

    def check_stock(self, what, live):
        left = collections.Counter()
        for sale in live:
            if sale["ship"]["status"] == "authorised":
                for line in sale["ship"]["lines"]:
                    left[line["product_id"]] += line["quantity"]
        wrong = []
        for level in api.every("/v1/stock"):
            entered = ON_HAND if level["product_id"] in self.made["stocked"] else 0
            if level["on_hand"] != entered - left[level["product_id"]] or level["available"] != level["on_hand"] - level["allocated"]:
                wrong.append((level, left[level["product_id"]]))
        if wrong:
            raise Failed(f"{what}: stock {wrong[:5]}")

    # Steps

    def connect(self, credentials=FIRST):
        key, secret = credentials
        api.ask("POST", "/v1/connection", {"api_key": key, "api_secret": secret})
        print("connected as", key)

    def disconnect(self):
        status, answer, _ = api.call("DELETE", "/v1/connection", {"confirm": "disconnect"})
        if status not in (200, 202):
            raise Failed(f"disconnect: {status} {answer}")
        engine.wait("the end of the connection", lambda: api.get("/v1/connection")["state"] == "disconnected")
        if api.every("/v1/log"):
            raise Failed("disconnecting left log entries behind")
        print("disconnected")

    def set_up(self):
        """Follows docs/deploy.md."""
        for name, path, body in (
            ("location", "/v1/locations", {"name": "Main"}),
            ("revenue", "/v1/accounts", {"name": "Sales", "kind": "revenue", "receives_payments": False}),
            ("bank", "/v1/accounts", {"name": "Bank", "kind": "asset", "receives_payments": True}),
            ("rule", "/v1/tax_rules", {"name": "Sales tax", "components": []}),
            ("customer", "/v1/customers", {"name": "Walk-in customer"}),
        ):
            self.made[name] = api.ask("POST", path, body)[0]["id"]

        def edit(settings):
            settings.update(
                time_zone="America/New_York",
                customer_id=self.made["customer"],
                revenue_account=self.made["revenue"],
                invoice_status="authorised",
                pick_pack_ship="pick_pack_ship",
            )
            settings["location_map"]["default"] = self.made["location"]
            settings["tax"]["default_rule"] = self.made["rule"]
            settings["payment"]["account"] = self.made["bank"]

        api.change("/v1/settings", edit)

    def stock_up(self):
        """Imports ShipStation's products twice, and enters stock of the best-sellers."""
        sold = collections.Counter()
        for order in self.shipstation_orders().values():
            for item in order["items"]:
                if item.get("sku") and not item.get("adjustment"):
                    sold[item["sku"]] += item["quantity"]
        # One product for spellings that differ only in case and blanks, with a name of its own.
        spelled = {}
        for sku, _ in sold.most_common():
            spelled.setdefault(sku.strip().casefold(), sku.strip())
        rows = "\n".join(f'"{sku}","Product {number}",stock' for number, sku in enumerate(spelled.values()))
        for turn in ("created", "unchanged"):
            operation, _ = api.ask("POST", "/v1/products/import", f"sku,name,kind\n{rows}\n", media="text/csv")
            ended = api.settled(operation["id"])
            if ended["state"] != "completed" or ended["counts"]["failed"]:
                refused = api.every(f"/v1/operations/{operation['id']}/rows")
                raise Failed(f"import: {ended} {json.dumps(refused[:3])}")
            print(f"import ({turn}):", json.dumps(ended["counts"]))
        for sku in list(spelled.values())[:STOCKED]:
            body = {"sku": sku, "location_id": self.made["location"], "quantity": ON_HAND, "reason": "opening stock", "id": f"opening-{sku}"}
            api.ask("POST", "/v1/stock/adjustments", body)
        self.made["stocked"] = {level["product_id"] for level in api.every("/v1/stock") if level["on_hand"] == ON_HAND}
        if len(self.made["stocked"]) != min(STOCKED, len(spelled)):
            raise Failed(f"stock of {len(self.made['stocked'])} products was entered, not {min(STOCKED, len(spelled))}")

    def load(self, days=90, credentials=FIRST):
        there = self.shipstation_orders(credentials)
        ended = api.run({"kind": "load_orders", "from": days_ago(days)})
        self.check_load("load", ended, there if days == 90 else {})

    def check_load(self, what, ended, orders):
        """Checks that the operation is completed, and that each order is in the log or has a row with a reason."""
        if ended["state"] != "completed":
            raise Failed(f"{what}: {ended}")
        counts = ended["counts"]
        told = {row["order_id"] for row in api.every(f"/v1/operations/{ended['id']}/rows")}
        told |= {entry["order_id"] for entry in api.every("/v1/log")}
        if orders.keys() - told or counts["total"] < len(orders) or counts["queued"]:
            raise Failed(f"{what}: nothing tells of {sorted(orders.keys() - told)}; {len(orders)} orders, {counts}")
        print(f"{what}:", json.dumps({name: count for name, count in ended["counts"].items() if count}))

    def load_under_fire(self):
        there = self.shipstation_orders()
        with Killer(self.ministack, times=8, seed=7) as killer:
            operation, _ = api.ask("POST", "/v1/operations", {"kind": "load_orders", "from": days_ago(90)})
            killer.join(timeout=40)
        self.kills += killer.killed
        self.check_load(f"load, {killer.killed} functions killed", api.settled(operation["id"], patience=420), there)

    def change_sales(self):
        """Voids, re-creates, retries and pays sales, while functions are killed."""
        _, sales = self.check("before changes")
        shipped = [number for number, sale in sales.items() if sale["status"] == "shipped"]
        short = [number for number, sale in sales.items() if sale["pick"]["status"] == "draft"]
        if len(shipped) < 3:
            raise Failed(f"only {len(shipped)} sales were shipped")
        with Killer(self.ministack, times=4, seed=11) as killer:
            api.ask("POST", f"/v1/sales/{shipped[0]}/void")
            again = sales[shipped[1]]["source"]["order_id"]
            operation, _ = api.ask("POST", f"/v1/log/{again}/recreate")
            api.ask("POST", f"/v1/sales/{shipped[2]}/payments", {"amount": "1.00", "id": "rehearsal-1"})
            for number in short[:2]:
                api.ask("POST", f"/v1/sales/{number}/retry_fulfilment", {})
        self.kills += killer.killed
        if "id" in operation:
            api.settled(operation["id"], patience=420)
        engine.wait("the re-created sale", lambda: api.get(f"/v1/log/{again}")["state"] == "booked")
        if api.get(f"/v1/sales/{shipped[0]}")["voided_at"] is None or api.get(f"/v1/log/{again}")["sale_id"] == shipped[1]:
            raise Failed("a sale was not voided, or not re-created")
        self.check(f"changes, {killer.killed} functions killed")

    def tick(self, function="fetch-orders"):
        event = {"source": "aws.scheduler", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        return engine.invoke(function, event, tolerant=True)

    def consolidate_a_day(self):
        """Consolidates new orders into one sale at a local time, while `consolidate` is killed."""
        import zoneinfo
        from datetime import datetime, timedelta

        due = datetime.now(zoneinfo.ZoneInfo("America/New_York")) + timedelta(minutes=2)
        api.change("/v1/settings", lambda settings: settings.update(consolidation="daily", consolidation_time=due.strftime("%H:%M")))
        before = {sale["id"] for sale in api.every("/v1/sales")}
        self.arrive(25)
        self.load(days=2)
        pending = api.every("/v1/log?state=pending")
        if not pending:
            raise Failed("no order waits for the day's sale")

        def done():
            self.tick("consolidate")
            return [sale for sale in api.every("/v1/sales") if sale["kind"] == "consolidated" and sale["id"] not in before]

        with Killer(self.ministack, times=4, seed=13) as killer:
            engine.wait("the day's sale", done, patience=420)
        self.kills += killer.killed
        engine.wait("the day's orders", lambda: not api.every("/v1/log?state=consolidating"))
        self.check(f"the day's sale of {len(pending)} orders, {killer.killed} functions killed")
        api.change("/v1/settings", lambda settings: settings.update(consolidation="none", consolidation_time=None))

    def another_account(self):
        """Connects another account with the same order ids, then the first one again."""
        entries, before = self.check("before another account")
        self.disconnect()
        self.connect(SECOND)
        self.load(credentials=SECOND)
        booked = {entry["sale_id"] for entry in api.every("/v1/log") if entry["state"] == "booked"}
        if booked & set(before):
            raise Failed(f"orders of the second account are tied to sales of the first: {sorted(booked & set(before))[:5]}")
        names = {api.get(f"/v1/sales/{number}")["customer"]["email"] for number in sorted(booked)[:10]}
        if any(name and "@second-" not in name for name in names):
            raise Failed(f"buyers of the second account became customers of the first: {names}")
        print(f"second account: {len(booked)} sales of its own")
        self.check("the second account", SECOND)
        self.disconnect()
        self.connect(FIRST)
        self.load()
        self.check_first_again(entries, before, booked)

    def check_first_again(self, entries, before, second):
        """Checks that each order of a live sale has the same sale again, and that only new orders got new sales.

        The sandbox continues meanwhile. An order that was cancelled or put on hold there is not captured, and its sale stays.
        """
        orders = self.shipstation_orders()
        off = {number for number, order in orders.items() if order["orderStatus"] not in ("awaiting_shipment", "shipped")}
        live_before = {number for number, sale in before.items() if sale["voided_at"] is None}
        expected = {entry["order_id"]: entry["sale_id"] for entry in entries if entry["sale_id"] in live_before}
        now, after = self.check("the first account again")
        tied = {entry["order_id"]: entry["sale_id"] for entry in now if entry["state"] == "booked"}
        moved = {order: (sale, tied.get(order)) for order, sale in expected.items() if tied.get(order) != sale and (order in tied or order not in off)}
        others = {sale for order, sale in tied.items() if order not in expected}
        live_after = {number for number, sale in after.items() if sale["voided_at"] is None}
        double = live_after - live_before - second - others
        if moved or double or live_before - live_after:
            raise Failed(f"the first account's orders: moved {moved}, booked again {double}, gone {live_before - live_after}")
        print(f"the first account again: {len(expected)} orders tied to their live sales")

    def end(self):
        self.tick()
        dead = api.every("/v1/dead-letters")
        if dead:
            raise Failed(f"dead letters: {json.dumps(dead)[:600]}")
        engine.fail_on_refusals()

    def whole(self):
        self.connect()
        self.set_up()
        self.stock_up()
        engine.shorten_times()
        self.load_under_fire()
        self.check("the first load")
        self.change_sales()
        self.arrive(10)
        self.load(days=2)
        self.check("new orders")
        self.consolidate_a_day()
        self.another_account()
        self.end()
