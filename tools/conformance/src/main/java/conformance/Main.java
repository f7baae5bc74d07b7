package conformance;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport.IssueSeverity;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/**
 * Validates files with HAPI's validator. Arguments: the definitions to load. Standard input: the paths of the files, one a line.
 * Standard output: one JSON object a line for each message (file, severity, expression, message, text).
 *
 * <p>Nothing is asked over the network: codes of systems that are not loaded are noted, never refused.
 */
public final class Main {
    private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();

    private Main() {}

    public static void main(String[] definitions) throws IOException {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        FhirValidator validator = validator(definitions);
        BufferedReader paths = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String path = paths.readLine(); path != null; path = paths.readLine()) {
            check(validator, path, out);
        }
        out.flush();
    }

    private static void check(FhirValidator validator, String path, PrintStream out) {
        try {
            String text = Files.readString(Path.of(path));
            for (SingleValidationMessage found : validator.validateWithResult(text).getMessages()) {
                String severity = found.getSeverity().getCode();
                say(out, path, severity, found.getLocationString(), found.getMessageId(), found.getMessage());
            }
        } catch (IOException | RuntimeException error) {
            say(out, path, "fatal", "", error.getClass().getSimpleName(), String.valueOf(error.getMessage()));
        }
    }

    private static void say(PrintStream out, String file, String severity, String expression, String message, String text) {
        Map<String, String> line = new LinkedHashMap<>();
        line.put("file", file);
        line.put("severity", severity);
        line.put("expression", expression);
        line.put("message", message);
        line.put("text", text);
        out.println(JSON.toJson(line));
    }

    private static FhirValidator validator(String[] definitions) throws IOException {
        FhirContext context = FhirContext.forR4();
        IValidationSupport core = new DefaultProfileValidationSupport(context);
        Definitions loaded = new Definitions(context, core);
        for (String path : definitions) {
            loaded.load(Path.of(path));
        }
        IValidationSupport support = new ValidationSupportChain(
                loaded.support(),
                core,
                terminology(context),
                new CommonCodeSystemsTerminologyService(context),
                new SnapshotGeneratingValidationSupport(context),
                unknownSystems(context));
        FhirInstanceValidator module = new FhirInstanceValidator(support);
        Versioned known = new Versioned(support);
        module.setWrappedWorkerContext(support, known);
        module.setAnyExtensionsAllowed(true);
        module.setErrorForUnknownProfiles(false);
        module.setAllowExamples(true);
        module.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
        module.setValidatorPolicyAdvisor(new References());
        module.setValidatorResourceFetcher(new Stubs(known));
        return context.newValidator().registerValidatorModule(module);
    }

    private static InMemoryTerminologyServerValidationSupport terminology(FhirContext context) {
        InMemoryTerminologyServerValidationSupport terminology = new InMemoryTerminologyServerValidationSupport(context);
        terminology.setIssueSeverityForCodeDisplayMismatch(IssueSeverity.WARNING);
        return terminology;
    }

    private static UnknownCodeSystemWarningValidationSupport unknownSystems(FhirContext context) {
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
        unknown.setNonExistentCodeSystemSeverity(IssueSeverity.INFORMATION);
        return unknown;
    }
}
