package conformance;

import ca.uhn.fhir.context.support.IValidationSupport;
import org.hl7.fhir.common.hapi.validation.validator.WorkerContextValidationSupportAdapter;
import org.hl7.fhir.r5.context.ILoggingService;
import org.hl7.fhir.r5.context.Slf4JLoggingService;
import org.slf4j.LoggerFactory;

/**
 * What the validator asks about R4. It says "4.0" for its version: with "4.0.1" this version of the validator does not recognise R4
 * when it checks the contexts of an extension, and tries to download it.
 */
final class Versioned extends WorkerContextValidationSupportAdapter {
    Versioned(IValidationSupport support) {
        super(support);
    }

    @Override
    public String getVersion() {
        return "4.0";
    }

    /** Where it logs: nowhere. Without a logger it fails on some expressions. */
    @Override
    public ILoggingService getLogger() {
        return new Slf4JLoggingService(LoggerFactory.getLogger(Versioned.class));
    }
}
