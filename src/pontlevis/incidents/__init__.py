"""Incident lifecycle, measured availability, the words for the public.

Fed with changes of posture and a sample of the service each second; knows nothing of requests, pages or
detectors. The machine writes (``teller``), operators write (``desk``), both onto one shelf.
"""
