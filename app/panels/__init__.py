"""Parts of a page that are drawn again while a job runs."""
