-- A row is a name in the shops or on a market in one month.
-- key: kind, name, sold_by, month
-- part: year of month
-- column kind: product (in the shops) or commodity (on a market)
-- column sold_by: kg or piece
-- column month: its first day
-- column facts: rows that carry it
select 'commodity' as kind, commodity as name, 'kg' as sold_by, cast(date_trunc('month', day) as date) as month,
  cast(sum(quotes) as bigint) as facts
from price_daily
group by commodity, cast(date_trunc('month', day) as date)
union all
select 'product' as kind, commodity as name, case when sold_kg is null then 'piece' else 'kg' end as sold_by,
  cast(date_trunc('month', day) as date) as month, count(*) as facts
from sales_daily
group by commodity, case when sold_kg is null then 'piece' else 'kg' end, cast(date_trunc('month', day) as date)
