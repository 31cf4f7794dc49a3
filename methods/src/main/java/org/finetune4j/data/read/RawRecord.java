package org.finetune4j.data.read;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One record of a file or query, before anybody asked what it means.
 *
 * @param fields its fields; the reader of this record owns them
 * @param id     a stable name: file name and number, such as {@code train.jsonl:17}
 * @param place  the same with the whole path, for messages, such as {@code data/train.jsonl:17}
 */
public record RawRecord(ObjectNode fields, String id, String place) {
}
