"""The second opinion: our definitions, examples and corpus validated by HAPI, and its answers beside the gate's."""
