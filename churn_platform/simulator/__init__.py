"""The TelecomIT world: customers who live, complain and leave, written as the operator's landing
files.

It knows each customer's true churn probability and shows it to no one but `truth` files. It imports
the portfolio spec (the shape of the files) and nothing else of the platform.
"""

from churn_platform.simulator.campaign import nobody, plans_from
from churn_platform.simulator.config import SimulationConfig
from churn_platform.simulator.simulate import CAMPAIGN, simulate

__all__ = ["CAMPAIGN", "SimulationConfig", "nobody", "plans_from", "simulate"]
