"""What other programs and pages take from here: Atom, iCalendar, small pictures, a page for frames."""
