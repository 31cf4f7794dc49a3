package org.finetune4j.scripts.host

import org.finetune4j.FinetuneException
import java.nio.file.Path

/** How one call of [ScriptHost.run] ended. */
public sealed interface ScriptOutcome {
    /** The script ran to its end; [fromCache] tells that no compiler was started for it. */
    public data class Completed(public val fromCache: Boolean) : ScriptOutcome

    /** The script was refused before it ran; [problems] holds at least one error. */
    public data class NotCompiled(public val problems: List<ScriptProblem>) : ScriptOutcome

    /** The script threw [cause] while it ran; [sources] are the script and everything that it imports. */
    public data class Failed(
        public val cause: Throwable,
        public val sources: List<Path>,
        public val fromCache: Boolean,
    ) : ScriptOutcome {
        /** Whether finetune4j itself refused, with a message that explains itself. */
        public val isRefusal: Boolean get() = cause is FinetuneException
    }
}
