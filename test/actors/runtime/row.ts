import type { MessageType } from '#src/protocol/index.js';

export interface Row {
  readonly id: number;
  readonly key: string;
}

const ID = 8; // field 1, varint
const KEY = 18; // field 2, length-delimited

/** `message Row { uint32 id = 1; string key = 2; }` */
export const Row: MessageType<Row, Partial<Row>> = {
  typeName: 'test.Row',
  create: (init = {}) => ({ id: init.id ?? 0, key: init.key ?? '' }),
  write({ id = 0, key = '' }, writer) {
    if (id !== 0) writer.tag(ID).uint32(id);
    if (key !== '') writer.tag(KEY).string(key);
  },
  read(reader, end) {
    let id = 0;
    let key = '';
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === ID) id = reader.uint32();
      else if (tag === KEY) key = reader.string();
      else reader.skip(tag);
    }
    return { id, key };
  },
};
