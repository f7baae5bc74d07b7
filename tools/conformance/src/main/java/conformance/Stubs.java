package conformance;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hl7.fhir.r5.context.IWorkerContext;
import org.hl7.fhir.r5.elementmodel.Element;
import org.hl7.fhir.r5.elementmodel.JsonParser;
import org.hl7.fhir.r5.model.CanonicalResource;
import org.hl7.fhir.r5.model.CanonicalType;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.IValidatorResourceFetcher;

/**
 * Fetches nothing: what a reference points at is outside the file. Where the reference tells the type of its target (`Type/id`, also
 * at the end of an absolute URL), a resource of that type and id stands in for it, so that the type can be checked.
 */
final class Stubs implements IValidatorResourceFetcher {
    private static final Pattern RESTFUL = Pattern.compile("(?:[^?]*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?");
    private final IWorkerContext known;

    Stubs(IWorkerContext known) {
        this.known = known;
    }

    @Override
    public Element fetch(IResourceValidator validator, Object context, String url) {
        Matcher found = RESTFUL.matcher(url);
        if (!found.matches() || !known.getResourceNamesAsSet().contains(found.group(1))) {
            return null;
        }
        String text = "{\"resourceType\":\"" + found.group(1) + "\",\"id\":\"" + found.group(2) + "\"}";
        try {
            return new JsonParser(known).parseSingle(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), new ArrayList<>());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public boolean resolveURL(
            IResourceValidator validator, Object context, String path, String url, String type, boolean canonical, List<CanonicalType> targets) {
        return true;
    }

    @Override
    public byte[] fetchRaw(IResourceValidator validator, String url) {
        return null;
    }

    @Override
    public IValidatorResourceFetcher setLocale(Locale locale) {
        return this;
    }

    @Override
    public CanonicalResource fetchCanonicalResource(IResourceValidator validator, Object context, String url) {
        return null;
    }

    @Override
    public boolean fetchesCanonicalResource(IResourceValidator validator, String url) {
        return false;
    }

    @Override
    public Set<ResourceVersionInformation> fetchCanonicalResourceVersions(IResourceValidator validator, Object context, String url) {
        return Set.of();
    }
}
