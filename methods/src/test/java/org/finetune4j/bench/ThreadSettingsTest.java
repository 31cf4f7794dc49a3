package org.finetune4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class ThreadSettingsTest {
    @Test
    void settingsThatAgreeAreLeftAlone() {
        assertEquals(List.of(), new ThreadSettings(2, 2, 2, "passive", "SKYLAKEX", true).conflicts());
        assertEquals(List.of(), new ThreadSettings(2, 2, 2, "PASSIVE", null, false).conflicts());
    }

    @Test
    void everyConflictIsNamedWithItsMend() {
        assertConflict(new ThreadSettings(2, 8, 2, "passive", "SKYLAKEX", true), "OMP_NUM_THREADS=2");
        assertConflict(new ThreadSettings(2, 2, 1, "passive", "SKYLAKEX", true), "OpenBLAS has 1 threads");
        assertConflict(new ThreadSettings(2, 2, 2, null, "SKYLAKEX", true), "OMP_WAIT_POLICY is not set");
        assertConflict(new ThreadSettings(2, 2, 2, "active", "SKYLAKEX", true), "OMP_WAIT_POLICY is active");
        assertConflict(new ThreadSettings(2, 2, 2, "passive", null, true), "OPENBLAS_CORETYPE=SKYLAKEX");
        assertConflict(new ThreadSettings(2, 2, 2, "passive", "Haswell", true), "OPENBLAS_CORETYPE is Haswell");
    }

    private static void assertConflict(ThreadSettings settings, String part) {
        assertEquals(1, settings.conflicts().size(), settings.conflicts().toString());
        assertTrue(settings.conflicts().get(0).contains(part), settings.conflicts().toString());
    }

    @Test
    void theSettingsOfThisProcessAreThoseOfItsLibraries() {
        ThreadSettings settings = ThreadSettings.current();
        assertEquals(Runtime.getRuntime().availableProcessors(), settings.java());
        assertTrue(settings.openMp() >= 1 && settings.openBlas() >= 1, settings.toString());
        assertEquals(System.getenv("OMP_WAIT_POLICY"), settings.waitPolicy());
    }
}
