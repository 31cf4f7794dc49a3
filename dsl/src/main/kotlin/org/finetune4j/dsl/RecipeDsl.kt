package org.finetune4j.dsl

/** Marks the scopes of a recipe, so that an inner block cannot call what belongs to the block around it by accident. */
@DslMarker
@Target(AnnotationTarget.CLASS, AnnotationTarget.TYPE)
public annotation class RecipeDsl
