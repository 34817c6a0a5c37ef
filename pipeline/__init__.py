"""The content pipeline of 好生活·好吉祥: from a script and a recording to sound, poster, page and feed."""
