"""When does it run? Jobs, sensors, schedules, freshness and notifications; docs/automation.md says what runs when."""
