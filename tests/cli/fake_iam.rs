//! The IAM side of the fake AWS: what it answers to requests whose signature the fake STS has checked.

use super::fake_sts::REQUEST_ID;
use std::collections::BTreeMap;

/// What IAM knows of the one user.
#[derive(Clone, Default)]
pub struct FakeIam {
    /// The ARNs of the user's MFA devices, security keys among them.
    pub devices: Vec<String>,
    /// Whether a policy keeps the user from listing them.
    pub is_denied: bool,
    /// How many devices are on a page; all, if zero.
    pub page: usize,
}

impl FakeIam {
    /// The answer to a request of `arn`.
    pub fn result(
        &self,
        arn: &str,
        form: &BTreeMap<String, String>,
    ) -> Result<String, (&'static str, String)> {
        let action = form["Action"].as_str();
        if self.is_denied {
            return Err((
                "AccessDenied",
                format!(
                    "User: {arn} is not authorized to perform: iam:{action} on resource: user igor"
                ),
            ));
        }
        match action {
            "ListMFADevices" => Ok(self.device_page(form)),
            other => panic!("{other}"),
        }
    }

    fn device_page(&self, form: &BTreeMap<String, String>) -> String {
        assert_eq!(form.get("UserName"), None);
        let start = form
            .get("Marker")
            .map_or(0, |marker| marker.parse().unwrap());
        let end = match self.page {
            0 => self.devices.len(),
            page => self.devices.len().min(start + page),
        };
        let members: String = self.devices[start..end]
            .iter()
            .map(|device| {
                format!(
                    "<member><UserName>igor</UserName><SerialNumber>{device}</SerialNumber>\
                     <EnableDate>2026-01-02T03:04:05Z</EnableDate></member>"
                )
            })
            .collect();
        let more = match end < self.devices.len() {
            true => format!("<IsTruncated>true</IsTruncated><Marker>{end}</Marker>"),
            false => "<IsTruncated>false</IsTruncated>".to_owned(),
        };
        format!(
            "<ListMFADevicesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <ListMFADevicesResult>{more}<MFADevices>{members}</MFADevices></ListMFADevicesResult>\
             <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>\
             </ListMFADevicesResponse>"
        )
    }
}
