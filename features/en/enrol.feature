# language: en
Feature: Enrolment

  Background:
    Given the service hall of Qinghe is open
    And the enrolment of the unit is in review

  @smoke @E-11 @E-12 @E-13 @L-01
  Scenario: A key is made, received and used
    When the reviewer passes the application
    And the production desk makes the key of a blank UKey
    And the UKey is received
    And the holder logs in with the UKey and the certificate password
    Then the login succeeds and shows "示例科技有限公司"

  @smoke @E-11
  Scenario: An application is refused
    When the reviewer refuses the application with the reason "the papers do not match"
    Then it succeeds
    And the order is refused
