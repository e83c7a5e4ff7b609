"""What people see: pages, the accounts API, status, the operator's console and API.

Knows HTTP and templates; asks the account and incident rooms, and the service through ``ports``.
"""
