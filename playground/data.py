"""The numbers behind each login. The pages show them; tests and evals import them as the truth.

On every site the counts of the events add up to the events of the customers and to the last day of the series.
No count of one site appears on another, so that an answer tells which dashboard it was read from.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventRow:
    """One row of "Top events".

    Attributes:
        event: its name.
        count: how often it happened yesterday.
        change: against the day before, per cent.
    """

    event: str
    count: int
    change: float

    @property
    def change_text(self) -> str:
        """As the page shows it: `+6.2%`."""
        return f"{self.change:+.1f}%"


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One row of "Customers".

    Attributes:
        customer: its name.
        plan: what it pays for.
        active_users: people seen yesterday.
        events: of this customer yesterday.
        error_rate: failed events, per cent.
        revenue: monthly, whole euros.
    """

    customer: str
    plan: str
    active_users: int
    events: int
    error_rate: float
    revenue: int

    @property
    def error_text(self) -> str:
        """As the page shows it: `0.42%`."""
        return f"{self.error_rate:.2f}%"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What a signed-in user sees.

    Attributes:
        events: most frequent first.
        customers: busiest first.
        daily: events a day, 14 days, the last is yesterday.
    """

    events: tuple[EventRow, ...]
    customers: tuple[CustomerRow, ...]
    daily: tuple[int, ...]

    @property
    def total(self) -> int:
        """All events of yesterday."""
        return sum(row.count for row in self.events)

    @property
    def active_users(self) -> int:
        """People seen yesterday, all customers."""
        return sum(row.active_users for row in self.customers)

    @property
    def revenue(self) -> int:
        """Monthly, whole euros, all customers."""
        return sum(row.revenue for row in self.customers)


DASHBOARDS: dict[str, Dashboard] = {
    "mail": Dashboard(
        events=(
            EventRow("Shipment booked", 18_452, 6.2),
            EventRow("Label printed", 14_907, 3.8),
            EventRow("Container scanned", 9_316, -2.4),
            EventRow("Customs cleared", 4_128, 11.5),
            EventRow("Delivery confirmed", 3_785, 1.9),
            EventRow("Claim opened", 246, -8.7),
        ),
        customers=(
            CustomerRow("Aldergate Foods", "Enterprise", 318, 15_240, 0.42, 8_900),
            CustomerRow("Brightwater Textiles", "Enterprise", 264, 12_618, 0.71, 7_450),
            CustomerRow("Costa Verde Imports", "Growth", 187, 9_874, 1.18, 4_200),
            CustomerRow("Dunmore & Sons", "Growth", 142, 7_391, 0.36, 3_650),
            CustomerRow("Everline Paper", "Starter", 96, 5_711, 2.05, 1_980),
        ),
        daily=(
            44_210,
            45_876,
            46_034,
            31_418,
            29_906,
            45_127,
            46_982,
            47_330,
            48_115,
            48_604,
            32_750,
            30_861,
            48_019,
            50_834,
        ),
    ),
    "totp": Dashboard(
        events=(
            EventRow("Payment authorised", 27_391, 4.6),
            EventRow("Invoice sent", 12_046, 0.9),
            EventRow("Payout settled", 8_654, 2.7),
            EventRow("Card declined", 3_058, -5.9),
            EventRow("Refund issued", 1_873, -3.1),
            EventRow("Dispute opened", 412, 14.2),
        ),
        customers=(
            CustomerRow("Fenwick Travel", "Scale", 421, 17_905, 0.58, 12_300),
            CustomerRow("Glasshouse Cafés", "Scale", 356, 13_622, 0.83, 9_870),
            CustomerRow("Hollis Cycles", "Scale", 228, 10_447, 1.27, 6_540),
            CustomerRow("Inkwell Press", "Team", 173, 7_318, 0.49, 4_075),
            CustomerRow("Juniper Dental", "Team", 109, 4_142, 1.94, 2_260),
        ),
        daily=(
            49_380,
            50_127,
            51_466,
            52_904,
            55_218,
            58_731,
            47_092,
            50_688,
            51_243,
            18_604,
            52_075,
            54_917,
            51_560,
            53_434,
        ),
    ),
    "plain": Dashboard(
        events=(
            EventRow("Survey opened", 9_684, 2.1),
            EventRow("Response submitted", 6_237, 7.4),
            EventRow("Reminder sent", 3_915, -1.6),
            EventRow("Report exported", 1_148, 18.3),
            EventRow("Panel joined", 873, -4.5),
            EventRow("Quota reached", 129, 1.2),
        ),
        customers=(
            CustomerRow("Kestrel Research", "Studio", 204, 7_452, 0.22, 5_310),
            CustomerRow("Lumen Health", "Studio", 159, 5_830, 0.64, 4_780),
            CustomerRow("Marlow Retail", "Basic", 121, 4_291, 0.91, 2_940),
            CustomerRow("Northgate Council", "Basic", 88, 2_766, 0.37, 1_825),
            CustomerRow("Orchard Media", "Basic", 57, 1_647, 1.46, 1_120),
        ),
        daily=(
            17_905,
            18_244,
            18_871,
            19_320,
            12_088,
            11_476,
            18_997,
            19_513,
            20_046,
            20_418,
            20_855,
            13_127,
            12_640,
            21_986,
        ),
    ),
}
