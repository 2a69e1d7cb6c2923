//! Where containers and their load balancer stand: the given subnets, or those of the region's default network.

use std::collections::BTreeMap;

use semantest_iac_core::{Error, ErrorKind, Result};

use crate::clients::Clients;
use crate::ec2::{self, Subnet};

/// Subnets of one network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    pub vpc_id: String,
    pub subnets: Vec<String>,
    /// Whether what starts there needs a public address to reach the rest of the world.
    pub public: bool,
}

/// The network of `given` subnets, or the default one.
///
/// # Errors
/// `InvalidInput` where there is no default network, or the subnets are in several.
pub(crate) async fn network(aws: &Clients, given: &[String]) -> Result<Network> {
    if !given.is_empty() {
        return of_given(given, &ec2::given_subnets(aws, given).await?);
    }
    let Some(vpc_id) = ec2::default_vpc(aws).await? else { return Err(no_default(&aws.region)) };
    let subnets = one_for_each_zone(ec2::subnets_of(aws, &vpc_id).await?);
    if subnets.is_empty() {
        return Err(no_default(&aws.region));
    }
    Ok(Network { vpc_id, subnets, public: true })
}

fn of_given(given: &[String], found: &[Subnet]) -> Result<Network> {
    let refuse =
        |text: String| Err(Error::new(ErrorKind::InvalidInput, "aws.network", text).with("field", "subnets"));
    if let Some(missing) = given.iter().find(|id| !found.iter().any(|one| one.subnet_id == **id)) {
        return refuse(format!("there is no subnet `{}`", missing.escape_debug()));
    }
    let vpc_id = found.first().map(|one| one.vpc_id.clone()).unwrap_or_default();
    if let Some(other) = found.iter().find(|one| one.vpc_id != vpc_id) {
        return refuse(format!(
            "the subnets are in several networks: {} is in {}, others are in {vpc_id}",
            other.subnet_id, other.vpc_id
        ));
    }
    // A private subnet reaches the world by a gateway of its own.
    let public = found.iter().any(|one| one.map_public_ip_on_launch);
    Ok(Network { vpc_id, subnets: given.to_vec(), public })
}

/// A load balancer takes one subnet of each availability zone: the zone's default one, where there are several.
fn one_for_each_zone(subnets: Vec<Subnet>) -> Vec<String> {
    let mut zones: BTreeMap<String, Subnet> = BTreeMap::new();
    for subnet in subnets {
        let rank = |one: &Subnet| (!one.default_for_az, one.subnet_id.clone());
        match zones.get(&subnet.availability_zone) {
            Some(there) if rank(there) <= rank(&subnet) => {}
            _ => drop(zones.insert(subnet.availability_zone.clone(), subnet)),
        }
    }
    zones.into_values().map(|subnet| subnet.subnet_id).collect()
}

fn no_default(region: &str) -> Error {
    let text = format!(
        "region {region} has no default network (VPC) with subnets: give the component `subnets`, at least two in \
         different availability zones, or make a default one (aws ec2 create-default-vpc)"
    );
    Error::new(ErrorKind::InvalidInput, "aws.network", text).with("field", "subnets")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(id: &str, zone: &str, default_for_az: bool) -> Subnet {
        Subnet {
            subnet_id: id.into(),
            availability_zone: zone.into(),
            vpc_id: "vpc-1".into(),
            default_for_az,
            ..Subnet::default()
        }
    }

    #[test]
    fn each_zone_gives_one_subnet_its_default_one_first() {
        let all = vec![subnet("c", "1a", false), subnet("b", "1a", true), subnet("a", "1b", false)];
        assert_eq!(one_for_each_zone(all), ["b", "a"]);
    }

    #[test]
    fn given_subnets_must_exist_and_be_of_one_network() {
        let (a, mut b) = (subnet("a", "1a", false), subnet("b", "1b", false));
        let given = ["a".to_owned(), "b".to_owned()];
        let network = of_given(&given, &[a.clone(), b.clone()]).expect("both are there");
        assert_eq!((network.vpc_id.as_str(), network.public), ("vpc-1", false));
        assert!(
            of_given(&given, std::slice::from_ref(&a)).expect_err("b is missing").message().contains("`b`")
        );
        b.vpc_id = "vpc-2".into();
        assert!(of_given(&given, &[a, b]).is_err());
    }
}
