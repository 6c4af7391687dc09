import { ProtocolError } from '../../errors.js';
import { type MessageType, type Service, type TellMethod, v1 } from '../../protocol/index.js';

/** One value of a stream. `sizeBytes` is its encoded size, or 0 if it was not encoded. */
export interface Element<T> {
  readonly writer: number;
  readonly sequence: number;
  readonly value: T;
  sizeBytes: number;
}

/** The type of the elements of a port. */
export interface ElementType<T> extends MessageType<T, unknown> {
  /** What an element counts against the credit in bytes. Default: its encoded bytes. */
  weigh?(value: T): number;
}

export type SubscriberService<T> = Service<
  Omit<typeof v1.Subscriber.methods, 'element'> & { readonly element: TellMethod<Element<T>, Element<T>> }
>;

/**
 * `millrace.v1.Subscriber` for elements of one type. The bytes on the wire are the same, but the value is written into the frame and read
 * from it directly. The plain message would first encode it into a separate `bytes` field.
 */
export function subscriberService<T>(type: ElementType<T>): SubscriberService<T> {
  const element: TellMethod<Element<T>, Element<T>> = { ...v1.Subscriber.methods.element, request: elementType(type) };
  return { typeName: v1.Subscriber.typeName, methods: { ...v1.Subscriber.methods, element } };
}

/** Not the fields of the value: the publisher has made it. Throws ProtocolError for what plain JavaScript may give as an element. */
function checked<T>(element: Element<T>): Element<T> {
  const { writer, sequence, value } = element;
  if (typeof writer === 'number' && typeof sequence === 'number' && typeof value === 'object') return element;
  throw new ProtocolError(
    `an element of ${v1.Element.typeName} needs a writer, a sequence number, and a message as its value`,
  );
}

const WRITER = 8; // field 1, varint
const SEQUENCE = 16; // field 2, varint
const VALUE = 26; // field 3, length-delimited

function elementType<T>(type: ElementType<T>): MessageType<Element<T>, Element<T>> {
  return {
    typeName: v1.Element.typeName,
    ...(type.borrows === true && { borrows: true }),
    create: (init) => checked(init ?? { writer: 0, sequence: 0, value: type.create(), sizeBytes: 0 }),
    write(element, writer) {
      writer.tag(WRITER).uint32(element.writer).tag(SEQUENCE).uint64Number(element.sequence);
      const start = writer.position;
      const besideBytes = writer.detached?.sizeBytes ?? 0;
      writer.tag(VALUE).message(type, element.value);
      element.sizeBytes =
        type.weigh?.(element.value) ?? writer.position - start + (writer.detached?.sizeBytes ?? 0) - besideBytes;
    },
    read(reader, end) {
      let writer = 0;
      let sequence = 0;
      let sizeBytes = 0;
      let value: T | undefined;
      while (reader.position < end) {
        const start = reader.position;
        const key = reader.tag();
        if (key === WRITER) {
          writer = reader.uint32();
        } else if (key === SEQUENCE) {
          sequence = reader.uint64Number();
        } else if (key === VALUE) {
          value = reader.message(type);
          sizeBytes = type.weigh?.(value) ?? reader.position - start + (reader.attached?.sizeBytes ?? 0);
        } else {
          reader.skip(key);
        }
      }
      return { writer, sequence, value: value ?? type.create(), sizeBytes };
    },
  };
}
