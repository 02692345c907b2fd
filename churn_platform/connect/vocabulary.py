"""Words under which operators keep what the recipe's tables, columns and levels are about."""

# Compared by likeness: a spelling that is a letter away need not be listed.
TABLES = {
    "customers": "customer subscriber client kunde account contract_master crm_base cliente",
    "transactions": "transaction payment billing invoice top_up recharge zahlung rechnung",
    "cdr": "cdr call usage call_record traffic event_detail verbindung chiamate llamadas rating",
    "support_tickets": "support_ticket ticket case complaint helpdesk incident care anfrage",
    "app_usage": "app_usage app_session session app_event clickstream selfcare mobile_app",
}
COLUMNS = {
    "customer_id": "customer_id customer_no cust_id subscriber_id subscriber client_id account_id "
    "kundennummer kunde_id customer",
    "phone_number": "phone_number msisdn phone mobile_number telephone rufnummer line_number",
    "signup_date": "signup_date join_date joined activation_date activated start_date since "
    "registered_at contract_start vertragsbeginn created",
    "status": "status state customer_status account_status zustand is_active",
    "churn_date": "churn_date end_date cancel_date cancellation_date termination_date left_on "
    "deactivation_date deactivated kuendigungsdatum closed",
    "contract_type": "contract_type contract plan_type tariff_type commitment vertragsart product",
    "contract_end_date": "contract_end_date commitment_end bound_until contract_end expiry_date "
    "laufzeit_ende minimum_term_end",
    "payment_method": "payment_method pay_method payment_type zahlungsart payment_mode",
    "age_group": "age_group age_band age_range altersgruppe age_class",
    "gender": "gender sex geschlecht",
    "region": "region area district province territory bundesland zone",
    "plan_monthly_eur": "plan_monthly price plan_price monthly_fee tariff monthly_charge rent "
    "grundgebuehr fee",
    "transaction_id": "transaction_id payment_id payment_no pay_no invoice_no booking_id",
    "transacted_at": "transacted_at paid_at booked_at payment_time booked payment_date",
    "transaction_type": "transaction_type payment_kind kind type category booking_type",
    "amount_eur": "amount value paid sum total betrag charge",
    "days_late": "days_late days_overdue delay_days late overdue verzug",
    "is_failed": "is_failed failed has_failed bounced rejected retry failure",
    "record_id": "record_id call_id cdr_id event_id record_no id",
    "started_at": "started_at start_time begun call_start event_time begin_time session_start "
    "call_date ts",
    "record_type": "record_type service_type call_type kind type service event_type",
    "is_outgoing": "is_outgoing outgoing direction originating mo_flag",
    "contact_number": "contact_number other_party b_number called_number other_number partner",
    "duration_s": "duration length call_duration seconds dauer talk_time",
    "data_mb": "data volume data_volume bytes traffic_volume megabytes",
    "is_international": "is_international international abroad roaming intl",
    "is_dropped": "is_dropped dropped drop_flag broken call_drop abnormal_end",
    "ticket_id": "ticket_id ticket_no case_id case_no incident_id id",
    "opened_at": "opened_at created_at opened open_time reported_at",
    "category": "category topic subject reason kind type",
    "escalated_at": "escalated_at escalation_time escalated",
    "resolved_at": "resolved_at closed_at solved_at resolution_time resolved",
    "session_id": "session_id visit_id id",
    "screen": "screen page view screen_name main_screen",
}
# Compared as they are: of a code of a letter or two any likeness would be chance.
LEVELS = {
    "active": "a act active aktiv open live 1 in_service",
    "churned": "c x churned inactive inaktiv closed left terminated cancelled gone 0 ceased",
    "prepaid": "pre prepaid ppd prepay payg pay_as_you_go",
    "month_to_month": "m2m month_to_month monthly mtm rolling flex no_commitment",
    "one_year": "1y 12m one_year 12 annual 12_months y1",
    "two_year": "2y 24m two_year 24 24_months biennial y2",
    "direct_debit": "dd sepa direct_debit debit lastschrift",
    "credit_card": "cc card credit_card visa kreditkarte",
    "bank_transfer": "bt transfer bank_transfer wire ueberweisung",
    "cash": "cash bar voucher scratch_card",
    "female": "f female w weiblich femme mujer donna",
    "male": "m male maennlich homme hombre uomo",
    "undisclosed": "u n o x d undisclosed unknown other none divers not_given",
    "monthly_fee": "fee monthly_fee invoice rent bill subscription m f",
    "top_up": "top_up topup recharge refill t r voucher",
    "add_on": "add_on addon option extra bundle a o",
    "voice": "v voice call speech mo mt vce",
    "sms": "s sms text t msg",
    "data": "d data gprs internet ip pkt",
    "billing": "bill billing invoice b payment",
    "network": "net network coverage n signal",
    "contract": "contract con tariff change",
    "device": "device handset dev phone hw",
    "complaint": "complaint cmp compl beschwerde c",
    "home": "home start main landing",
    "usage": "usage consumption use",
    "support": "support help care",
    "offers": "offers shop store deals",
    "cancellation": "cancellation cancel terminate leave quit",
}
# Columns that tell the month of a row, where there is no time of an event.
PERIODS = "month period snapshot snapshot_month stand as_of valid_month report_month yyyymm monat"
# At the end of a name, what its numbers are in.
UNITS = {
    "ct": "cents",
    "cent": "cents",
    "cents": "cents",
    "mills": "mills",
    "sec": "seconds",
    "secs": "seconds",
    "seconds": "seconds",
    "ms": "milliseconds",
    "min": "minutes",
    "mins": "minutes",
    "minutes": "minutes",
    "h": "hours",
    "hours": "hours",
    "b": "bytes",
    "bytes": "bytes",
    "kb": "kb",
    "mb": "mb",
    "gb": "gb",
    "kib": "kib",
    "mib": "mib",
    "gib": "gib",
    "eur": "eur",
}
# What a time may look like; the first that reads every value is taken.
# The day goes before the month: where both read every value, Europe's order is the likelier.
TIME_PATTERNS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
)
# The statements of the recipe name these levels; of all others an operator has its own.
FIXED = frozenset({"status", "record_type", "transaction_type", "category", "screen"})
# What may be said of every customer of an operator that does not know it.
UNKNOWN = {"gender": "undisclosed"}
