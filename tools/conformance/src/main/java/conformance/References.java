package conformance;

import org.hl7.fhir.common.hapi.validation.validator.FhirDefaultPolicyAdvisor;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.IValidationPolicyAdvisor.ReferenceDestinationType;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;

/**
 * References are held to the types that an element allows, as far as the reference tells its type; those to a contained resource or
 * another entry of the Bundle to the target profiles as well.
 */
final class References extends FhirDefaultPolicyAdvisor {
    @Override
    public ReferenceValidationPolicy policyForReference(
            IResourceValidator validator, Object context, String path, String url, ReferenceDestinationType destination) {
        boolean outside = destination == ReferenceDestinationType.EXTERNAL;
        return outside ? ReferenceValidationPolicy.CHECK_TYPE_IF_EXISTS : ReferenceValidationPolicy.CHECK_VALID;
    }
}
