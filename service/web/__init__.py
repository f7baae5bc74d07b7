"""HTTP: the only place that knows Flask. Bytes become a FhirRequest, a FhirResponse becomes bytes."""
