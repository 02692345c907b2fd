"""From a month's features and the champion to a score, a tier and reasons for every customer."""
