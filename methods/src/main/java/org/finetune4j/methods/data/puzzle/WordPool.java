package org.finetune4j.methods.data.puzzle;

import java.util.List;
import org.finetune4j.methods.data.Draws;

/** Nouns, verbs and adjectives that stand for something else; none of them is a label of another {@link LabelSet}. */
public final class WordPool {
    /** All different. */
    public static final List<String> WORDS = List.of((
            "apple river lamp stone cloud garden window bridge candle forest mirror planet rocket saddle "
            + "ticket violin wagon yacht zebra anchor basket camera desert engine feather guitar hammer island "
            + "jacket kettle ladder magnet needle orange pencil quartz ribbon spider tunnel umbrella valley "
            + "walnut barrel cactus dolphin falcon glacier harbour insect jungle kitten lantern meadow napkin "
            + "oyster pepper rabbit salmon temple turtle vessel whistle blanket canyon diamond emerald fountain "
            + "gravel honey iceberg jewel lemon marble nectar onion parrot raven sugar thunder velvet willow "
            + "copper dragon ember fossil goblet helmet ivory juniper kernel locket mango nickel opal puzzle "
            + "robin shovel tulip urchin vine wheat gather wander listen borrow whisper paint carve stumble "
            + "juggle measure polish scatter tremble vanish wrestle adopt balance climb dance evolve follow "
            + "grind hover invent jump kneel launch mend nourish observe ponder question repair settle travel "
            + "unfold visit weave yawn zoom bake chase dive explore fetch glide imitate joke knit laugh "
            + "mumble nibble obey praise quiver rescue sprint gentle purple silent brave clever dusty eager "
            + "fancy golden humble icy jolly kind lively modest noisy odd polite quick rusty shiny tidy unique "
            + "vivid warm young zesty ancient bitter calm damp elegant fierce grand hollow idle jagged keen "
            + "lonely mellow narrow oval proud quiet royal steady tender urban vast wise").split(" "));

    private WordPool() {
    }

    /** Four different words of which none is within another; draws that are not so are made again. */
    static MoveLabels labels(Draws draws) {
        List<String> drawn = draws.sample(WORDS, Move.values().length);
        while (!MoveLabels.canBeToldApart(drawn)) {
            drawn = draws.sample(WORDS, Move.values().length);
        }
        return MoveLabels.of(drawn);
    }
}
