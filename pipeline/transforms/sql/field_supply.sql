-- A row is one planting with the days and the weight of its harvest.
-- key: base, plot, crop, sown_on
-- column harvest_from: first day of harvest, at the earliest
-- column harvest_to: the day after the last one
-- column expected_kg: kg at the typical yield; empty where the calendar knows none
-- check: harvest_to > harvest_from
select
  p.base, p.plot, p.crop, p.sown_on, p.area_mu, c.category, c.family,
  cast(cast(cast(p.sown_on as int) + c.days_to_harvest_min as int) as date) as harvest_from,
  cast(cast(cast(p.sown_on as int) + c.days_to_harvest_min + c.harvest_window_days as int) as date) as harvest_to,
  cast(p.area_mu * c.yield_kg_per_mu as decimal(18, 3)) as expected_kg
from plantings p
join plots f on f.base = p.base and f.plot = p.plot
join crops c on c.crop = p.crop and c.system = f.system
where c.days_to_harvest_min is not null and c.harvest_window_days is not null
