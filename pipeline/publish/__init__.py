"""A finished site goes out: to a folder or a bucket, and is fetched back over HTTP before the feed names anything new."""
