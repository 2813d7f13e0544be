"""The mail API: local mailboxes in the manner of Mail.tm (https://docs.mail.tm), so that its clients work here."""
