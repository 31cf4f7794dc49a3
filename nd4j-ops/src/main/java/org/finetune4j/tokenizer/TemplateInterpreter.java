package org.finetune4j.tokenizer;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.InterpreterFactory;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.interpret.TemplateError.ErrorType;
import org.jspecify.annotations.Nullable;

/** The engine's interpreter, printing values as Python does and noting how far it came when it failed. */
final class TemplateInterpreter extends JinjavaInterpreter {
    /** The name of the progress among a template's variables, which no template can spell. */
    static final String PROGRESS = "\u0000progress";

    static final InterpreterFactory FACTORY = new InterpreterFactory() {
        @Override
        public JinjavaInterpreter newInstance(JinjavaInterpreter original) {
            return new TemplateInterpreter(original);
        }

        @Override
        public JinjavaInterpreter newInstance(Jinjava application, Context context, JinjavaConfig configuration) {
            return new TemplateInterpreter(application, context, configuration);
        }
    };

    /** Which message was read last, and which when the first error came: the engine goes on after an error. */
    static final class Progress {
        int lastRead = -1;
        @Nullable TemplateError failure;
        int failedAt = -1;
    }

    private TemplateInterpreter(JinjavaInterpreter original) {
        super(original);
    }

    private TemplateInterpreter(Jinjava application, Context context, JinjavaConfig configuration) {
        super(application, context, configuration);
    }

    @Override
    public void addError(TemplateError error) {
        if (error != null && error.getSeverity() == ErrorType.FATAL
            && getContext().get(PROGRESS) instanceof Progress progress && progress.failure == null) {
            progress.failure = error;
            progress.failedAt = progress.lastRead;
        }
        super.addError(error);
    }

    @Override
    public String getAsString(@Nullable Object value) {
        if (value instanceof CharSequence) {
            // The engine's own way through JSON would turn control characters into escapes.
            return value.toString();
        }
        if (value instanceof Boolean) {
            return value.equals(true) ? "True" : "False";
        }
        return super.getAsString(value);
    }
}
