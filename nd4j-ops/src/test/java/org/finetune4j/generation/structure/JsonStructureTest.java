package org.finetune4j.generation.structure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.finetune4j.generation.structure.Structure.WhiteSpace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Random models write documents that an independent validator finds valid, and nothing else. */
class JsonStructureTest {
    private static final TokenWalk WALK = new TokenWalk("\"name\"", "\"kind\":", "-1", "2024-");
    private static final SchemaRegistry VALIDATORS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private static final String PERSON =
            "{'type':'object','properties':{'name':{'type':'string','minLength':1,'maxLength':8},"
            + "'age':{'type':'integer','minimum':0,'maximum':130},'tags':{'type':'array','items':{'enum':['a','é','x y']},"
            + "'minItems':1,'maxItems':3},'note':{'type':['string','null']}},'required':['age'],'additionalProperties':false}";
    private static final String TREE =
            "{'$defs':{'tree':{'type':'object','properties':{'value':{'type':'integer'},'children':"
            + "{'type':'array','items':{'$ref':'#/$defs/tree'}}},'required':['value','children'],'additionalProperties':false}},"
            + "'$ref':'#/$defs/tree'}";
    private static final String SHAPES =
            "{'oneOf':[{'type':'object','properties':{'kind':{'const':'circle'},'radius':{'type':"
            + "'number','exclusiveMinimum':0}},'required':['kind','radius']},{'type':'object','properties':{'kind':{'const':"
            + "'box'},'sides':{'type':'array','items':{'type':'number'},'minItems':2,'maxItems':2}},'required':['kind','sides']}]}";

    private static String json(String quoted) {
        return quoted.replace('\'', '"');
    }

    private static List<Error> errors(Schema validator, String document) {
        return validator.validate(document, InputFormat.JSON,
                context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)));
    }

    private static Set<String> walks(String schema, WhiteSpace space, int count, int most) {
        Schema validator = VALIDATORS.getSchema(json(schema));
        TokenStructure form = WALK.ready(Structure.json(json(schema), space));
        Random random = new Random(schema.hashCode());
        Set<String> documents = new HashSet<>();
        for (int i = 0; i < count; i++) {
            TokenWalk.Walk walk = WALK.walk(form, random, most);
            assertTrue(walk.ended(), walk.text());
            assertEquals(List.of(), errors(validator, walk.text()), () -> schema + " and " + walk.text());
            documents.add(walk.text());
        }
        return documents;
    }

    @ParameterizedTest
    @ValueSource(strings = {PERSON, TREE, SHAPES, "{}", "true", "{'type':'string','format':'date'}",
        "{'type':'string','format':'date-time'}", "{'type':'string','format':'time'}", "{'type':'string','format':'uuid'}",
        "{'type':'string','format':'ipv4'}", "{'type':'string','pattern':'^[A-Z]{2}-\\\\d+$'}",
        "{'type':'string','pattern':'a.?\\\\\\\\b'}", "{'type':'integer','minimum':-17,'exclusiveMaximum':1204}",
        "{'type':'number','minimum':-2,'maximum':3}", "{'type':'number','exclusiveMinimum':5}",
        "{'type':'number','maximum':-1}",
        "{'type':'integer','minimum':99,'maximum':100}", "{'enum':[1,2.5,null,'x',[1,{'a':false}],{'b':'\\u0001'}]}",
        "{'type':'object','additionalProperties':{'type':'integer'},'maxProperties':3,'minProperties':1}",
        "{'type':'object','properties':{'ab':{'type':'null'},'ac':{}},'additionalProperties':{'type':'boolean'}}",
        "{'type':'array','prefixItems':[{'type':'integer'},{'type':'boolean'}],'items':false,'minItems':2}",
        "{'anyOf':[{'type':'integer'},{'type':'array','items':{'$ref':'#'}}]}", "{'type':'object'}",
        "{'type':'array','maxItems':2}",
        "{'allOf':[{'$ref':'#/definitions/a'}],'definitions':{'a':{'type':'boolean'}}}",
        "{'required':['x'],'type':'object'}",
        "{'type':['integer','string'],'enum':[3,'4',5.5,true]}",
        "{'properties':{'a':false,'b':{'type':'null'}},'type':'object'}"})
    void whatRandomModelsWriteIsValid(String schema) {
        Set<String> documents = walks(schema, WhiteSpace.NONE, 150, 120);
        assertTrue(documents.size() > 1, documents.toString());
    }

    @ParameterizedTest
    @EnumSource(WhiteSpace.class)
    void whiteSpaceIsAsChosen(WhiteSpace space) {
        Set<String> documents = new HashSet<>(walks(PERSON, space, 200, 150));
        documents.addAll(walks(SHAPES, space, 200, 150));
        List<String> marks = documents.stream().map(text -> text.replaceAll("\"(\\\\.|[^\"\\\\])*\"", "s")).toList();
        assertEquals(space == WhiteSpace.FREE, marks.stream().anyMatch(text -> text.contains("\n")), marks.toString());
        assertEquals(space != WhiteSpace.NONE, marks.stream().anyMatch(text -> text.contains(": ")));
        assertTrue(space == WhiteSpace.FREE || marks.stream().noneMatch(text -> text.matches(".*([ {]\\s|\\s[]}:,]).*")));
    }

    @Test
    void addressesAreThoseOfTheirSimpleForm() {
        TokenStructure form = WALK.ready(Structure.json("{\"type\":\"string\",\"format\":\"email\"}"));
        Random random = new Random(4);
        for (int i = 0; i < 100; i++) {
            // The form that browsers check; the validator also wants a top-level domain that exists.
            String address = WALK.walk(form, random, 100).text();
            assertTrue(address.matches("\"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
                    + "(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+\""), address);
        }
    }

    @Test
    void everyDocumentOfASmallSchemaIsReached() {
        String schema = "{'type':'object','properties':{'a':{'type':'boolean'},'b':{'enum':[1,'é']},'c':{'type':'array','items':"
                + "{'const':0},'maxItems':2}},'required':['b'],'additionalProperties':false}";
        Set<String> expected = new HashSet<>();
        for (String a : List.of("", "\"a\":true,", "\"a\":false,")) {
            for (String b : List.of("\"b\":1", "\"b\":\"é\"")) {
                for (String c : List.of("", ",\"c\":[]", ",\"c\":[0]", ",\"c\":[0,0]")) {
                    expected.add("{" + a + b + c + "}");
                }
            }
        }
        assertEquals(expected, walks(schema, WhiteSpace.NONE, 2000, 60));
        TokenStructure form = WALK.ready(Structure.json(json(schema)));
        assertTrue(expected.stream().allMatch(document -> TokenWalk.accepts(form, document)));
        for (String invalid : List.of("{}", "{\"b\":2}", "{\"b\":1,\"d\":0}", "{\"b\":1,\"c\":[0,0,0]}", "{\"b\":1",
                "{\"b\":1}}",
                "{\"b\":1,}", "{\"b\":1,\"b\":1}", "{,\"b\":1}")) {
            assertFalse(TokenWalk.accepts(form, invalid), invalid);
        }
    }

    @Test
    void aNameWithSlashesIsNoPlaceWithinAnother() {
        TokenStructure form = WALK.ready(Structure.json(json("{'type':'object','properties':{'a':{'type':'object','properties':"
                + "{'b':{'type':'object','properties':{'x':{'const':1}},'required':['x']}},'required':['b']},"
                + "'a/properties/b':{'type':'object','properties':{'x':{'const':2}},'required':['x']}},"
                + "'required':['a','a/properties/b']}")));
        assertTrue(TokenWalk.accepts(form, json("{'a':{'b':{'x':1}},'a/properties/b':{'x':2}}")));
        assertFalse(TokenWalk.accepts(form, json("{'a':{'b':{'x':2}},'a/properties/b':{'x':2}}")));
    }

    @Test
    void integersWithinBoundsAreExactlyThose() {
        Random random = new Random(7);
        List<int[]> bounds = new ArrayList<>(List.of(new int[] {0, 0}, new int[] {-1, 1}, new int[] {-120, -7},
                new int[] {99, 1000}));
        for (int i = 0; i < 12; i++) {
            int low = random.nextInt(1500) - 700;
            bounds.add(new int[] {low, low + random.nextInt(600)});
        }
        for (int[] bound : bounds) {
            TokenStructure form = WALK.ready(Structure.json(json("{'type':'integer','minimum':" + bound[0] + ",'maximum':"
                    + bound[1] + "}")));
            for (int number = -1300; number <= 1600; number++) {
                assertEquals(number >= bound[0] && number <= bound[1], TokenWalk.accepts(form, String.valueOf(number)),
                        number + " in " + bound[0] + " to " + bound[1]);
            }
            assertFalse(TokenWalk.accepts(form, "-0") || TokenWalk.accepts(form, "00") || TokenWalk.accepts(form, "1.0"));
        }
    }

    @Test
    void whatNestsEndsBeforeItIsTooDeep() {
        // A model that would nest without end: a list within a list has the highest logit at every place.
        TokenStructure form = WALK.ready(Structure.json(json("{'$defs':{'l':{'type':'array','items':{'$ref':'#/$defs/l'}}},"
                + "'$ref':'#/$defs/l'}")));
        StructureState state = form.start();
        StringBuilder text = new StringBuilder();
        while (!form.isComplete(state)) {
            int token = form.allows(state, '[') ? '[' : ']';
            assertTrue(form.allows(state, token), "a dead end after " + text);
            text.append((char) token);
            state = form.next(state, token);
            if (text.length() > 200) {
                break;
            }
        }
        // No depth is reached from which it could not be closed, and no more than the grammar allows.
        int deepest = text.toString().indexOf(']');
        assertTrue(deepest >= 15 && deepest <= Grammar.MOST_DEPTH + 1, text.toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', value = {"{'type':'array','uniqueItems':true}~uniqueItems",
            "{'type':'number','multipleOf':2}~multipleOf",
        "{'not':{}}~'not'", "{'type':'object','patternProperties':{}}~patternProperties", "{'if':{}}~'if'",
        "{'allOf':[{},{}]}~allOf with several", "{'oneOf':[{'type':'integer'},{'type':'number'}]}~alternatives 0 and 1",
        "{'type':'string','format':'regex'}~format 'regex'", "{'type':'string','pattern':'a','maxLength':3}~together",
        "{'$ref':'#/nowhere'}~leads nowhere", "{'$ref':'http://x/y'}~leads nowhere",
        "{'type':'number','minimum':0.5}~minimum 0.5",
        "{'type':'text'}~no type 'text'", "{'$ref':'#'}~no text",
        "{'type':'object','properties':{'a':{'$ref':'#'}},'required':['a']}~no text",
        "{'enum':[]}~no text", "{'type':'integer','minimum':3,'maximum':2}~no text",
        "{'type':'string','pattern':'(?=a)'}~/pattern",
        "{'anyOf':[],'type':'null'}~'type' beside", "{'type':'string','minLength':-1}~minLength", "[]~ARRAY",
        "{'a'~not valid JSON",
        "{'type':'object','required':['a'],'additionalProperties':false}~required",
        "{'properties':{'a':{'contains':{}}}}~#/properties/a",
        "{'type':'object','minProperties':3}~minProperties", "{'anyOf':[{'$ref':'#'},{'type':'null'}]}~by itself"})
    void whatIsNotSupportedIsRefusedByName(String schema, String named) {
        String message = assertThrows(StructureException.class, () -> Structure.json(json(schema))).getMessage();
        assertTrue(message.contains(named), message);
    }

    @Test
    void hostileSchemasAreCapped() {
        List<String> hostile = new ArrayList<>();
        hostile.add("{'type':'array','items':{'type':'array','items':{'type':'string','maxLength':9000},'maxItems':9000},'maxItems':9000}");
        hostile.add("{'type':'string','maxLength':1000000000}");
        hostile.add("{'a':".repeat(500) + "1" + "}".repeat(500));
        StringBuilder references = new StringBuilder("{'$defs':{");
        for (int i = 0; i < 40; i++) {
            references.append("'d").append(i).append("':{'anyOf':[{'$ref':'#/$defs/d").append(i
                    + 1).append("'},{'$ref':'#/$defs/d")
                    .append(i + 1).append("'}]},");
        }
        // Forty choices of two within each other are small, because each is one rule.
        Structure.json(json(references + "'d40':{'type':'null'}},'$ref':'#/$defs/d0'}"));
        for (String schema : hostile) {
            assertThrows(StructureException.class, () -> Structure.json(json(schema)), schema.substring(0, 40));
        }
    }
}
