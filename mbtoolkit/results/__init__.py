"""What to do with a results frame: count it, take the ids from it, hand it on."""

from mbtoolkit.results.contact_ids import with_contact_ids
from mbtoolkit.results.summary import summarize
from mbtoolkit.results.updating import update_results
from mbtoolkit.results.writing import check_target, write_issues, write_results

__all__ = ["check_target", "summarize", "update_results", "with_contact_ids", "write_issues", "write_results"]
