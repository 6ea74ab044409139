import {
  OperationNodeTransformer, type KyselyPlugin, type PrimitiveValueListNode, type UnknownRow, type ValueNode
} from 'kysely'

/**
 * For databases and drivers without a type of their own for a point in time, or with one that hangs on the time zone of
 * a process: times are milliseconds since the epoch there. Bytes are `Buffer`s, whatever the driver makes of them.
 */
export const plainValues: KyselyPlugin = {
  transformQuery: ({ node, queryId }) => parameters.transformNode(node, queryId),
  transformResult: async ({ result }) => ({ ...result, rows: result.rows.map(readRow) })
}

// Kysely's way to change the parameters of a query is a subclass.
class Parameters extends OperationNodeTransformer {
  protected override transformValue (node: ValueNode): ValueNode {
    return { ...node, value: toParameter(node.value) }
  }

  protected override transformPrimitiveValueList (node: PrimitiveValueListNode): PrimitiveValueListNode {
    return { ...node, values: node.values.map(toParameter) }
  }
}

const parameters = new Parameters()

function toParameter (value: unknown): unknown {
  if (value instanceof Date) return value.getTime()
  return value instanceof Uint8Array ? toBuffer(value) : value
}

// Each column that holds a time is named so, and no other is.
const timeColumn = /(^|_)(at|until)$/

function readRow (row: UnknownRow): UnknownRow {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, read(column, value)]))
}

function read (column: string, value: unknown): unknown {
  if (value instanceof ArrayBuffer) return Buffer.from(value)
  if (value instanceof Uint8Array) return toBuffer(value)
  if (value !== null && timeColumn.test(column)) return new Date(Number(value))
  return typeof value === 'bigint' ? Number(value) : value
}

function toBuffer (bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
