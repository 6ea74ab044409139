import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * What a JSON schema lets through. Reads the keywords that the schemas of this package use, and no others. Of an object
 * it tells the properties that have a name.
 *
 * @typeParam Time - What a `date-time` is: text in JSON, and a `Date` in what a handler answers.
 */
export type FromSchema<Schema, Time = string> =
  Schema extends { readonly enum: ReadonlyArray<infer Value> } ? Value
    : Schema extends { readonly anyOf: ReadonlyArray<infer Option> } ? FromSchema<Option, Time>
      : Schema extends { readonly type: ReadonlyArray<infer Type> } ? OfType<Type, Schema, Time>
        : Schema extends { readonly type: infer Type } ? OfType<Type, Schema, Time> : unknown

type OfType<Type, Schema, Time> =
  Type extends 'null' ? null
    : Type extends 'boolean' ? boolean
      : Type extends 'integer' ? number
        : Type extends 'string' ? Schema extends { readonly format: 'date-time' } ? Time : string
          : Type extends 'array' ? ReadonlyArray<Schema extends { readonly items: infer Item } ? FromSchema<Item, Time> : unknown>
            : Type extends 'object' ? OfObject<Schema, Time> : never

type OfObject<Schema, Time> = Schema extends { readonly properties: infer Properties }
  ? Flat<
    Of<Pick<Properties, Required<Schema> & keyof Properties>, Time> &
    Partial<Of<Omit<Properties, Required<Schema>>, Time>>>
  : unknown

type Of<Properties, Time> = { readonly [Name in keyof Properties]: FromSchema<Properties[Name], Time> }

type Required<Schema> = Schema extends { readonly required: ReadonlyArray<infer Name extends string> } ? Name : never

type Flat<Type> = { [Name in keyof Type]: Type[Name] } & unknown

/** Has Fastify's types read the schema of a route: what its handler is given, and what it may answer. */
export interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: FromSchema<this['schema']>
  readonly serializer: FromSchema<this['schema'], Date>
}

/** A context whose handlers are held to the schemas of their routes. */
export type TypedScope = FastifyInstance<
  RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, SchemaTypes
>
