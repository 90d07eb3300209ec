-- A row is a name in the shops or on a market that is no crop of the calendar, or one sold by the piece.
-- key: kind, name
-- column kind: product (in the shops) or commodity (on a market)
-- column why: no crop of that name, or sold by the piece
-- column facts: rows that carry it
select
  n.kind, n.name,
  case when max(n.sold_by) = 'piece' then 'sold by the piece' else 'no crop of that name' end as why,
  cast(sum(n.facts) as bigint) as facts
from known_names n
left join (select distinct crop from crops) c on c.crop = n.name
where c.crop is null or n.sold_by = 'piece'
group by n.kind, n.name
