package org.finetune4j.tokenizer;

import com.hubspot.jinjava.el.ext.JinjavaBeanELResolver;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.objects.PyWrapper;
import com.hubspot.jinjava.util.ForLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELException;
import org.jspecify.annotations.Nullable;

/**
 * What a template may call: the methods of Python's strings, and those of lists, dictionaries and {@code loop}.
 *
 * <p>Templates are written for Python and come from strangers. So {@code content.strip()} works although Java spells it
 * otherwise, and no other method of any Java object can be reached at all.
 */
final class PythonMethods extends JinjavaBeanELResolver {
    private static final Set<String> LOOP_PROPERTIES = new TreeSet<>(Set.of("index", "index0", "revindex", "revindex0",
        "first", "last", "length", "depth", "depth0"));

    PythonMethods() {
        super(true);
    }

    @Override
    public @Nullable Object getValue(ELContext context, Object base, Object property) {
        String name = String.valueOf(property);
        if (base instanceof ForLoop) {
            if (!LOOP_PROPERTIES.contains(name)) {
                throw new ELException("templates cannot use loop." + name + "; known are " + LOOP_PROPERTIES);
            }
            return super.getValue(context, base, property);
        }
        if (base instanceof CharSequence text && name.matches("-?\\d{1,9}")) {
            int index = Integer.parseInt(name);
            index += index < 0 ? text.length() : 0;
            context.setPropertyResolved(true);
            return index >= 0 && index < text.length() ? String.valueOf(text.charAt(index)) : null;
        }
        return null;
    }

    @Override
    public @Nullable Object invoke(ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
        String name = String.valueOf(method);
        if (base instanceof CharSequence text) {
            Object result = ofString(text.toString(), name, arguments == null ? new Object[0] : arguments);
            context.setPropertyResolved(true);
            return result;
        }
        if (base instanceof PyWrapper || base instanceof ForLoop || base instanceof Filter || base instanceof ExpTest) {
            return super.invoke(context, base, method, types, arguments);
        }
        throw new ELException("templates cannot call ." + name + "() on a " + base.getClass().getSimpleName());
    }

    private static Object ofString(String text, String method, Object[] arguments) {
        String first = arguments.length > 0 && arguments[0] != null ? arguments[0].toString() : null;
        return switch (method) {
            case "strip" -> strip(text, first, true, true);
            case "lstrip" -> strip(text, first, true, false);
            case "rstrip" -> strip(text, first, false, true);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "capitalize" -> text.isEmpty() ? text
                : text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1).toLowerCase(Locale.ROOT);
            case "title" -> title(text);
            case "startswith" -> text.startsWith(required(method, first));
            case "endswith" -> text.endsWith(required(method, first));
            case "find" -> (long) text.indexOf(required(method, first));
            case "count" -> (long) text.split(Pattern.quote(required(method, first)), -1).length - 1;
            case "replace" -> text.replace(required(method, first), required(method, second(arguments)));
            case "split" -> split(text, first, limit(arguments));
            case "splitlines" -> text.lines().toList();
            case "join" -> join(text, arguments);
            default -> throw new ELException("templates cannot call ." + method + "() on a text");
        };
    }

    private static @Nullable String second(Object[] arguments) {
        return arguments.length > 1 && arguments[1] != null ? arguments[1].toString() : null;
    }

    private static String required(String method, @Nullable String argument) {
        if (argument == null) {
            throw new ELException("." + method + "() lacks an argument");
        }
        return argument;
    }

    /** Python takes the argument for a set of characters, and white space where there is none. */
    static String strip(String text, @Nullable String characters, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && isStripped(text.charAt(start), characters)) {
            start++;
        }
        while (right && end > start && isStripped(text.charAt(end - 1), characters)) {
            end--;
        }
        return text.substring(start, end);
    }

    private static boolean isStripped(char character, @Nullable String characters) {
        return characters == null ? isSpace(character) : characters.indexOf(character) >= 0;
    }

    /** Python's {@code str.isspace}. */
    static boolean isSpace(char character) {
        return Character.isWhitespace(character) || Character.isSpaceChar(character) || character == '\u0085';
    }

    private static String title(String text) {
        StringBuilder titled = new StringBuilder();
        boolean inWord = false;
        for (char character : text.toCharArray()) {
            titled.append(inWord ? Character.toLowerCase(character) : Character.toUpperCase(character));
            inWord = Character.isLetter(character);
        }
        return titled.toString();
    }

    private static int limit(Object[] arguments) {
        return arguments.length > 1 && arguments[1] instanceof Number number ? number.intValue() : -1;
    }

    private static List<String> split(String text, @Nullable String separator, int limit) {
        if (separator == null) {
            String stripped = strip(text, null, true, true);
            return stripped.isEmpty() ? List.of() : List.of(stripped.split("(?U)\\s+", limit + 1));
        }
        if (separator.isEmpty()) {
            throw new ELException(".split() has an empty separator");
        }
        List<String> parts = new ArrayList<>();
        int start = 0;
        for (int at = text.indexOf(separator); at >= 0 && parts.size() != limit; at = text.indexOf(separator, start)) {
            parts.add(text.substring(start, at));
            start = at + separator.length();
        }
        parts.add(text.substring(start));
        return parts;
    }

    private static String join(String separator, Object[] arguments) {
        if (arguments.length != 1 || !(arguments[0] instanceof Iterable<?> parts)) {
            throw new ELException(".join() needs one list");
        }
        List<String> texts = new ArrayList<>();
        parts.forEach(part -> texts.add(String.valueOf(part)));
        return String.join(separator, texts);
    }
}
