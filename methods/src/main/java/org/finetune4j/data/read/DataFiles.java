package org.finetune4j.data.read;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;

/**
 * The files that a path, a folder or a pattern names, in the order of their names.
 *
 * @param files   the files of records
 * @param ignored names of other files beside them, which are no records
 */
public record DataFiles(List<DataFile> files, List<String> ignored) {
    /** Keeps immutable copies. */
    public DataFiles {
        files = List.copyOf(files);
        ignored = List.copyOf(ignored);
    }

    /**
     * Finds files.
     *
     * @param location a file, a folder (with the folders in it), or a pattern with {@code *}, {@code ?}, {@code [...]}
     *                 or <code>{...}</code>
     * @param kind     what they are made of, or null to tell it by their names
     * @throws FinetuneException when there is none, or the name of a single file tells no kind
     */
    public static DataFiles find(String location, @Nullable FileKind kind) {
        Path path = Path.of(location);
        if (Files.isRegularFile(path)) {
            return new DataFiles(List.of(single(path, kind)), List.of());
        }
        if (Files.isDirectory(path)) {
            return below(path, "**", kind, location);
        }
        int wild = firstWild(location);
        if (wild < 0) {
            throw new FinetuneException(location + " does not exist, but data is read from it. Give the path of a file"
                    + (kind == null ? "" : " (" + kind.title() + ")") + " or of a folder (absolute path: "
                    + path.toAbsolutePath() + ").");
        }
        int separator = location.lastIndexOf('/', wild);
        Path root = Path.of(separator < 0 ? "." : location.substring(0, separator + 1));
        if (!Files.isDirectory(root)) {
            throw new FinetuneException(root + " is no folder, but the files " + location
                    + " are looked for in it. Correct the path (absolute path: " + root.toAbsolutePath() + ").");
        }
        return below(root, location.substring(separator + 1), kind, location);
    }

    private static DataFile single(Path path, @Nullable FileKind kind) {
        String name = path.getFileName().toString();
        FileKind known = kind == null ? FileKind.of(name) : kind;
        if (known == null) {
            throw new FinetuneException(path + " does not tell by its name what it is made of. Use one of the endings "
                    + endings() + ", or say it by jsonl(...), json(...), csv(...) or parquet(...).");
        }
        return new DataFile(path, name, known);
    }

    private static DataFiles below(Path root, String pattern, @Nullable FileKind kind, String location) {
        PathMatcher matcher;
        try {
            matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        } catch (IllegalArgumentException e) {
            throw new FinetuneException("the pattern " + location + " cannot be understood: " + e.getMessage()
                    + ". Correct it.", e);
        }
        List<DataFile> files = new ArrayList<>();
        List<String> ignored = new ArrayList<>();
        try (Stream<Path> paths = Files.walk(root, depth(pattern))) {
            for (Path path : paths.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(found -> name(root, found))).toList()) {
                String name = name(root, path);
                FileKind found = FileKind.of(name);
                boolean hidden = Stream.of(name.split("/")).anyMatch(part -> part.startsWith("."));
                if (hidden || !matcher.matches(root.relativize(path))) {
                    continue;
                }
                boolean named = !pattern.equals("**");
                if (found == null && (kind == null || !named) || found != null && kind != null && found != kind) {
                    ignored.add(name);
                } else {
                    files.add(new DataFile(path, name, kind == null ? found : kind));
                }
            }
        } catch (IOException e) {
            throw DataFile.unreadable(root, e);
        } catch (UncheckedIOException e) {
            // The walk goes on behind its start, where it cannot throw the failure itself.
            throw DataFile.unreadable(root, e.getCause());
        }
        if (files.isEmpty()) {
            String wanted = kind == null ? endings() : String.join(", ", kind.endings());
            throw new FinetuneException(location + " holds no file of records (" + wanted
                    + ", each also with .gz or .zst)"
                    + (ignored.isEmpty() ? "" : ", only " + some(ignored))
                    + ". Correct the path (absolute path: " + root.toAbsolutePath().normalize() + ").");
        }
        return new DataFiles(files, ignored);
    }

    /** How deep files may lie that a pattern names: only {@code **} goes over any number of folders. */
    private static int depth(String pattern) {
        return pattern.contains("**") ? Integer.MAX_VALUE : 1 + (int) pattern.chars().filter(c -> c == '/').count();
    }

    /** The first of these names, and how many more there are. */
    static String some(List<String> names) {
        return String.join(", ", names.subList(0, Math.min(3, names.size())))
                + (names.size() > 3 ? " and " + (names.size() - 3) + " more" : "");
    }

    private static String name(Path root, Path path) {
        return root.relativize(path).toString().replace('\\', '/');
    }

    private static int firstWild(String location) {
        for (int i = 0; i < location.length(); i++) {
            if ("*?[{".indexOf(location.charAt(i)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    private static String endings() {
        return Stream.of(FileKind.values()).flatMap(kind -> kind.endings().stream()).collect(Collectors.joining(", "));
    }
}
