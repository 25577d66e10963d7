"""Which currency came after another, to be suggested and never converted to."""

# ISO 4217's list of historic codes, and the countries that took the euro: https://www.six-group.com/en/products-services/
# financial-information/data-standards.html
EURO = "EUR"
OF_THE_EURO = (
    *("ADP", "ATS", "BEF", "BGN", "CYP", "DEM", "EEK", "ESP", "FIM", "FRF", "GRD", "HRK", "IEP", "ITL", "LTL", "LUF"),
    *("LVL", "MTL", "NLG", "PTE", "SIT", "SKK", "XEU"),
)
SUCCESSORS = dict.fromkeys(OF_THE_EURO, EURO) | {
    "AFA": "AFN", "ANG": "XCG", "AOR": "AOA", "AZM": "AZN", "BGL": "BGN", "BYB": "BYR", "BYR": "BYN", "CSD": "RSD",
    "CSK": "CZK", "CUC": "CUP", "GHC": "GHS", "MGF": "MGA", "MRO": "MRU", "MXP": "MXN", "MZM": "MZN", "ROL": "RON",
    "RUR": "RUB", "SDD": "SDG", "SDP": "SDD", "SLL": "SLE", "SRG": "SRD", "STD": "STN", "TMM": "TMT", "TRL": "TRY",
    "VEB": "VEF", "VEF": "VES", "YUM": "CSD", "ZMK": "ZMW", "ZRN": "CDF", "ZWD": "ZWR", "ZWR": "ZWL", "ZWL": "ZWG",
}  # fmt: skip
PREDECESSORS = {new: old for old, new in SUCCESSORS.items() if new != EURO}
