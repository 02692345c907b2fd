"""Names for the codes of categorical columns. A code is the position of the level in the portfolio
spec (tested).
"""

from enum import IntEnum


class ContractType(IntEnum):
    PREPAID = 0
    MONTH_TO_MONTH = 1
    ONE_YEAR = 2
    TWO_YEAR = 3


class PaymentMethod(IntEnum):
    DIRECT_DEBIT = 0
    CREDIT_CARD = 1
    BANK_TRANSFER = 2
    CASH = 3


class Region(IntEnum):
    NORTH_WEST = 0
    NORTH_EAST = 1
    CENTRE = 2
    SOUTH = 3
    ISLANDS = 4


class Status(IntEnum):
    ACTIVE = 0
    CHURNED = 1


class TransactionType(IntEnum):
    MONTHLY_FEE = 0
    TOP_UP = 1
    ADD_ON = 2


class RecordType(IntEnum):
    VOICE = 0
    SMS = 1
    DATA = 2


class Screen(IntEnum):
    HOME = 0
    USAGE = 1
    BILLING = 2
    SUPPORT = 3
    OFFERS = 4
    CANCELLATION = 5


class TicketCategory(IntEnum):
    BILLING = 0
    NETWORK = 1
    CONTRACT = 2
    DEVICE = 3
    COMPLAINT = 4
