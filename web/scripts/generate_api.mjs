// Makes the console's types from the OpenAPI document: one type per schema, one entry per operation.
// Follows the subset of OpenAPI 3.0 that appliance/api/openapi.json uses and fails on anything else.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const [source, target] = process.argv.slice(2);
const api = JSON.parse(readFileSync(source, 'utf8'));

function reference(node) {
  return node.$ref.split('/').pop();
}

function typeOf(schema) {
  const plain = bareTypeOf(schema);
  return schema.nullable ? `${plain} | null` : plain;
}

function bareTypeOf(schema) {
  if (schema.$ref) return reference(schema);
  if (schema.allOf?.length === 1) return typeOf(schema.allOf[0]);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return `Array<${typeOf(schema.items)}>`;
    case 'object':
      return schema.properties ? objectType(schema) : 'Record<string, unknown>';
    default:
      throw new Error(`schema of a kind that the generator does not know: ${JSON.stringify(schema)}`);
  }
}

function objectType(schema) {
  const required = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties).map(
    ([name, member]) => `${JSON.stringify(name)}${required.has(name) ? '' : '?'}: ${typeOf(member)}`,
  );
  return `{ ${members.join('; ')} }`;
}

function answerType(responses) {
  const success = Object.entries(responses).find(([status]) => status.startsWith('2'))[1];
  const content = success.content?.['application/json'];
  return content ? typeOf(content.schema) : 'void';
}

function parameterType(operation, where) {
  const resolved = (operation.parameters ?? []).map((parameter) =>
    parameter.$ref ? api.components.parameters[reference(parameter)] : parameter,
  );
  const members = resolved
    .filter((parameter) => parameter.in === where)
    .map((parameter) => `${JSON.stringify(parameter.name)}${parameter.required ? '' : '?'}: ${typeOf(parameter.schema)}`);
  return `{ ${members.join('; ')} }`;
}

const lines = ['// Made from appliance/api/openapi.json by scripts/generate_api.mjs; do not edit.'];
for (const [name, schema] of Object.entries(api.components.schemas)) {
  lines.push(`export type ${name} = ${typeOf(schema)};`);
}
// From the least to the most, as the document has them.
const privileges = ['none', ...api.components.schemas.Session.properties.privilege.enum];
const types = [];
const values = [];
const starters = [];
for (const [path, methods] of Object.entries(api.paths)) {
  if (methods.servers) continue; // Stands beside the interface, for machines.
  for (const [method, operation] of Object.entries(methods)) {
    const body = operation.requestBody?.content['application/json'].schema;
    types.push(
      `  ${operation.operationId}: { path: ${parameterType(operation, 'path')}; query: ${parameterType(operation, 'query')}; ` +
        `body: ${body ? typeOf(body) : 'undefined'}; answer: ${answerType(operation.responses)} };`,
    );
    const privilege = operation['x-privilege'];
    if (!privileges.includes(privilege)) throw new Error(`${operation.operationId} has no known privilege`);
    const kind = operation['x-job-kind'];
    if (kind) starters.push(`  ${kind}: '${operation.operationId}',`);
    const isOnce = (operation.parameters ?? []).some((parameter) => parameter.$ref === '#/components/parameters/once');
    values.push(`  ${operation.operationId}: { method: '${method.toUpperCase()}', path: '${path}', privilege: '${privilege}', isOnce: ${isOnce} },`);
  }
}
lines.push('export type Operations = {', ...types, '};');
lines.push(`export type Privilege = ${privileges.map((name) => JSON.stringify(name)).join(' | ')};`);
lines.push(`export const privileges: Privilege[] = ${JSON.stringify(privileges)};`);
// isOnce: it takes an Idempotency-Key.
lines.push('export const operations: Record<keyof Operations, { method: string; path: string; privilege: Privilege; isOnce: boolean }> = {', ...values, '};');
// By the kind of a job: what starts such jobs.
lines.push('export const starters: Record<string, keyof Operations> = {', ...starters, '};');
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${lines.join('\n')}\n`);
