"""An engine that can be overloaded without a GPU, and honest load on the shapes of production traces.

The models are pure and know no clock; only ``server`` and ``connection`` touch a socket. Imports the brain's
notes on settings, nothing else of this package.
"""
