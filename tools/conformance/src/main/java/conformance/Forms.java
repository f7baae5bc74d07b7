package conformance;

import ca.uhn.fhir.context.FhirContext;
import java.util.HashMap;
import java.util.Map;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Questionnaire;

/** Loaded definitions, questionnaires among them: those responses are held to, and the library's own support passes them over. */
final class Forms extends PrePopulatedValidationSupport {
    private final Map<String, Questionnaire> forms = new HashMap<>();

    Forms(FhirContext context) {
        super(context);
    }

    @Override
    public void addResource(IBaseResource resource) {
        if (resource instanceof Questionnaire form) {
            forms.put(form.getUrl(), form);
            forms.put(form.getUrl() + "|" + form.getVersion(), form);
        } else {
            super.addResource(resource);
        }
    }

    @Override
    public <T extends IBaseResource> T fetchResource(Class<T> type, String url) {
        Questionnaire form = forms.get(url);
        return type != null && type.isInstance(form) ? type.cast(form) : super.fetchResource(type, url);
    }
}
