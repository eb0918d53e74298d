import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { PutSecret, SecretList, SecretName, SecretStored } from '../protocol/secrets.ts';
import { body, errors, json, secured } from './route-parts.ts';

/** The shapes of the routes about secrets; a value is in one request's body, and in no answer. */

const params = z.object({ name: SecretName });

export const listSecrets = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/secrets',
  summary: 'Names of your secrets, and the repositories that each is allowed for. Never a value.',
  responses: { 200: json(SecretList, 'All of them, by name.'), ...errors },
});

export const putSecret = createRoute({
  ...secured,
  method: 'put',
  path: '/v1/secrets/{name}',
  summary: 'Adds a secret, or replaces its value and the repositories that it is allowed for.',
  request: { params, ...body(PutSecret) },
  responses: { 200: json(SecretStored, 'It is kept, sealed.'), ...errors },
});

export const removeSecret = createRoute({
  ...secured,
  method: 'delete',
  path: '/v1/secrets/{name}',
  summary: 'Removes a secret. A sandbox that has it keeps it as long as its commands run.',
  request: { params },
  responses: { 204: { description: 'It is gone.' }, ...errors },
});
