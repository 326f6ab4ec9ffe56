{"volume": {"db": {"size": "1GiB"}}}
