package conformance;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.MetadataResource;
import org.hl7.fhir.r4.model.ValueSet;

/**
 * The definitions that files are held to besides R4's own: folders of JSON files, ndjson files (one resource a line), FHIR NPM
 * packages (.tgz). Resources without a canonical URL (examples in a package) are passed over.
 */
final class Definitions {
    private final FhirContext context;
    private final IValidationSupport core;
    private final PrePopulatedValidationSupport support;
    private final Map<String, ValueSet> valueSets = new LinkedHashMap<>();

    /** {@code core}: what R4 itself defines. */
    Definitions(FhirContext context, IValidationSupport core) {
        this.context = context;
        this.core = core;
        this.support = new Forms(context);
    }

    /**
     * All that was loaded, but for value sets that import others which nobody has: of a value set that cannot be known the validator
     * would say that every code is outside it.
     */
    PrePopulatedValidationSupport support() {
        valueSets.values().stream().filter(this::isComplete).forEach(support::addResource);
        return support;
    }

    private boolean isComplete(ValueSet valueSet) {
        return valueSet.getCompose().getInclude().stream()
                .flatMap(include -> include.getValueSet().stream())
                .map(url -> url.getValue().split("\\|")[0])
                .allMatch(url -> valueSets.containsKey(url) ? isComplete(valueSets.get(url)) : core.fetchValueSet(url) != null);
    }

    /** Adds what is at {@code path}: a folder, .ndjson, .tgz or .json. */
    void load(Path path) throws IOException {
        String name = path.getFileName().toString();
        if (Files.isDirectory(path)) {
            for (Path file : files(path, ".json")) {
                add(Files.readString(file));
            }
        } else if (name.endsWith(".ndjson")) {
            Files.readAllLines(path).stream().filter(line -> !line.isBlank()).forEach(this::add);
        } else if (name.endsWith(".tgz")) {
            loadPackage(path);
        } else {
            add(Files.readString(path));
        }
    }

    /** The files under a folder whose name ends so, sorted. */
    static List<Path> files(Path folder, String ending) throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.filter(path -> path.toString().endsWith(ending)).sorted().toList();
        }
    }

    private void loadPackage(Path path) throws IOException {
        try (InputStream file = Files.newInputStream(path);
                TarArchiveInputStream archive = new TarArchiveInputStream(new GzipCompressorInputStream(file))) {
            for (TarArchiveEntry entry = archive.getNextEntry(); entry != null; entry = archive.getNextEntry()) {
                String name = entry.getName();
                if (name.matches("package/[A-Z][A-Za-z]*-[^/]*\\.json")) {
                    add(new String(archive.readAllBytes(), StandardCharsets.UTF_8));
                }
            }
        }
    }

    private void add(String text) {
        IBaseResource resource = context.newJsonParser().parseResource(text);
        if (resource instanceof ValueSet valueSet) {
            valueSets.put(valueSet.getUrl(), valueSet);
        } else if (resource instanceof MetadataResource known && known.hasUrl()) {
            support.addResource(resource);
        }
    }
}
