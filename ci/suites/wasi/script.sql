-- Run by SQLite's shell, native and as a guest; both must print the same.
PRAGMA page_size = 1024;
CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, born INTEGER);
CREATE INDEX by_name ON person(name);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO person(name, born) SELECT printf('name %05d', i * 7919 % 2003), 1900 + i % 120 FROM n;
SELECT count(*), sum(born), min(name), max(name) FROM person;
SELECT name, born FROM person WHERE name LIKE 'name 0010%' ORDER BY name;
.mode column
.headers on
SELECT born / 10 * 10 AS decade, count(*) AS people, group_concat(id % 10, '') AS digits
FROM person WHERE id <= 60 GROUP BY decade ORDER BY decade;
.mode csv
BEGIN;
DELETE FROM person WHERE id % 3 = 0;
SELECT count(*) AS inside FROM person;
ROLLBACK;
SELECT count(*) AS after FROM person;
BEGIN;
UPDATE person SET name = upper(name) WHERE id < 10;
COMMIT;
SELECT name FROM person WHERE id < 4;
CREATE TABLE big(data BLOB);
INSERT INTO big SELECT zeroblob(5000) FROM person LIMIT 200;
SELECT count(*), sum(length(data)) FROM big;
DROP TABLE big;
VACUUM;
PRAGMA integrity_check;
.mode list
.headers off
CREATE VIRTUAL TABLE text USING fts5(body);
INSERT INTO text VALUES('a small clear kernel'), ('a large kernel'), ('a clear sky');
SELECT body FROM text WHERE text MATCH 'clear AND kernel';
SELECT json_object('a', json_array(1, 2.5, 'x'), 'b', NULL);
SELECT round(sqrt(2), 6), round(exp(1), 6), 7 / 2, 7 % -3, -7 / 2.0, 1e308 * 10;
SELECT strftime('%Y-%m-%d %H:%M:%S', 1234567890, 'unixepoch'), date('2024-02-28', '+2 days');
WITH RECURSIVE
  x(v) AS (SELECT -2.0 UNION ALL SELECT v + 0.1 FROM x WHERE v < 0.6),
  y(v) AS (SELECT -1.0 UNION ALL SELECT v + 0.2 FROM y WHERE v < 1.0),
  m(i, cx, cy, px, py) AS (
    SELECT 0, x.v, y.v, 0.0, 0.0 FROM x, y
    UNION ALL
    SELECT i + 1, cx, cy, px * px - py * py + cx, 2.0 * px * py + cy FROM m
    WHERE px * px + py * py < 4.0 AND i < 20),
  deepest(i, cx, cy) AS (SELECT max(i), cx, cy FROM m GROUP BY cx, cy),
  line(t) AS (SELECT group_concat(substr(' .+*#', 1 + min(i / 5, 4), 1), '')
              FROM deepest GROUP BY cy)
SELECT rtrim(t) FROM line;
SELECT 'the end';
