"""The `comments` of a table in the app file."""

from core.schema.form import CommentsForm
from core.schema.model import CommentRules


def comment_rules(form: CommentsForm | None) -> CommentRules | None:
    """What the file says about comments; None: nothing."""
    if form is None:
        return None
    spam, rate, auto = form.spam_protection, form.spam_protection.rate_limit_per_ip, form.auto_approve
    approved = {"authenticated": auto.authenticated, "previouslyApproved": auto.previously_approved}
    return CommentRules(
        guests=form.guest_comments,
        guest_email_required=form.guest_email_required,
        threading=form.threading,
        read_tracking=form.read_tracking,
        moderation=form.moderation if isinstance(form.moderation, str) else "manual" if form.moderation else "auto",
        auto_approved=frozenset(name for name, is_on in approved.items() if is_on),
        honeypot=spam.honeypot,
        guest_rate=(rate, 60) if isinstance(rate, int) else (rate.max, rate.window_seconds),
        links_most=spam.max_links_before_moderation,
        blocked_words=tuple(word.casefold() for word in spam.blocked_words),
    )
