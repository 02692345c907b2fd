"""Creates the stack of template.yaml in moto, lists what is there, and deletes it again. No account
is asked. `make aws-check` runs it after cfn-lint.
"""

import os
from pathlib import Path

import boto3
from moto import mock_aws

TEMPLATE = Path(__file__).with_name("template.yaml")
NAME, REGION = "churn", "eu-west-1"


@mock_aws
def main() -> None:
    """The life of a stack."""
    cloud = boto3.client("cloudformation", REGION)
    cloud.create_stack(
        StackName=NAME,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters().items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloud.describe_stacks(StackName=NAME)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    made = cloud.list_stack_resources(StackName=NAME)["StackResourceSummaries"]
    print(f"{stack['StackStatus']}: {len(made)} resources")
    services = boto3.client("ecs", REGION)
    (cluster,) = services.list_clusters()["clusterArns"]
    running = services.list_services(cluster=cluster)["serviceArns"]
    assert len(running) == 2, running
    cloud.delete_stack(StackName=NAME)
    ended = cloud.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [one["StackName"] for one in ended] == [NAME]
    # moto keeps services that have tasks, which CloudFormation ends first; so they are not counted.
    print("DELETE_COMPLETE")


def parameters() -> dict[str, str]:
    """What the stack asks for, made first."""
    network = boto3.client("ec2", REGION)
    vpc = network.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = []
    for number, zone in enumerate("abab"):
        subnet = network.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )
        subnets.append(subnet["Subnet"]["SubnetId"])
    secrets = boto3.client("secretsmanager", REGION)
    arns = [secrets.create_secret(Name=name, SecretString="x")["ARN"] for name in ("keys", "page")]
    certificate = boto3.client("acm", REGION).request_certificate(DomainName="*.example.org")
    return {
        "Vpc": vpc,
        "PublicSubnets": ",".join(subnets[:2]),
        "PrivateSubnets": ",".join(subnets[2:]),
        "Certificate": certificate["CertificateArn"],
        "ServingImage": "registry.example.org/churn-serving@sha256:0",
        "PageImage": "registry.example.org/churn-ui@sha256:0",
        "StoreBucket": "churn",
        "KeysSecret": arns[0],
        "PageKeySecret": arns[1],
        "PublishedFileSystem": "fs-12345678",
    }


if __name__ == "__main__":
    # Whatever the machine has by way of credentials stays out of it.
    os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    main()
